import { rules } from './policy-rule.js';

/** White space or an SQL comment, which serves as one. */
const GAP = String.raw`(?:\s|\/\*[^*]{0,32}\*\/){1,8}`;

/** Rules of the policy `no-sql`: forms of injection, not SQL as such. */
export const sqlRules = rules(
  {
    name: 'tautology',
    finds: 'condition that is always true, after a quote, bracket or number',
    pattern: new RegExp(
      String.raw`["'\d)](?:${GAP})?(?:or|and|\|\||&&)${GAP}` +
        String.raw`(?:["']?(\w{0,32})["']?\s{0,8}(?:=|like)\s{0,8}["']?\1(?!\w)|(?:true|not${GAP}false)\s{0,8}(?:--|#|;))`,
      'i',
    ),
    example: "x' OR 1=1",
    nearMiss: "it's 1 or 2",
  },
  {
    name: 'union-select',
    finds: 'second query through `UNION SELECT`',
    pattern: new RegExp(String.raw`(?<!\w)union(?:${GAP}(?:(?:all|distinct)${GAP})?\(?|\()\s{0,8}select(?!\w)`, 'i'),
    example: "x' UNION SELECT name FROM users",
    nearMiss: 'select a union representative',
  },
  {
    name: 'stacked-statement',
    finds: 'second statement after a semicolon',
    pattern: new RegExp(
      `;\\s{0,8}(?:${[
        `drop${GAP}(?:table|database|schema|view|index|procedure|trigger)`,
        `(?:alter|create|truncate)${GAP}(?:table|database|schema)`,
        String.raw`delete${GAP}from${GAP}[\w."]{1,64}\s{0,8}(?:where|;|--|$)`,
        String.raw`insert${GAP}into${GAP}[\w."]{1,64}\s{0,8}(?:\(|values|select)`,
        String.raw`update${GAP}[\w."]{1,64}${GAP}set${GAP}[\w."]{1,64}\s{0,8}=`,
        `exec(?:ute)?${GAP}(?:(?:master|sp|xp)[._]|immediate)`,
        `grant${GAP}(?:all|select|insert|update|delete)${GAP}(?:privileges${GAP})?on`,
        String.raw`shutdown\s{0,8}(?:;|--|with\s{1,8}nowait)`,
      ].join('|')})`,
      'i',
    ),
    example: '1; DROP TABLE users',
    nearMiss: 'clear the desk; drop the table at the door',
  },
  {
    name: 'comment-after-quote',
    finds: 'comment that cuts off the rest of a query, after a quote',
    pattern: /(?<=[\w)])["']\)?;?--(?![\w-])|["'][\s);]{0,8}(?:--[\s+-]{0,8}|#\s{0,8})$/,
    example: "admin'--",
    nearMiss: "the flag '--help' prints help",
  },
  {
    name: 'command-shell',
    finds: 'procedure that runs commands',
    pattern: /(?<!\w)(?:xp_cmdshell|xp_regread|xp_dirtree|sp_executesql|sp_oacreate)(?!\w)/i,
    example: "EXEC xp_cmdshell 'dir'",
    nearMiss: 'the xp cmd shell',
  },
  {
    name: 'time-delay',
    finds: 'call that waits, by which answers are guessed',
    pattern:
      /(?<![\w.])(?:(?:pg_)?sleep\(\s{0,8}["']?\d|benchmark\(\s{0,8}\d{1,16}\s{0,8},|waitfor\s{1,8}delay\s{1,8}["'])/i,
    example: 'SLEEP(5)',
    nearMiss: 'sleep (8 hours)',
  },
  {
    name: 'file-access',
    finds: 'read or write of a file through a query',
    pattern: /(?<!\w)(?:load_file\s{0,8}\(|into\s{1,8}(?:outfile|dumpfile)\s{1,8}["'])/i,
    example: "INTO OUTFILE 'x.php'",
    nearMiss: 'put it into outfile form',
  },
  {
    name: 'schema-probe',
    finds: 'read of the tables that describe the database',
    pattern:
      /(?<!\w)(?:information_schema\.\w|from\s{1,8}(?:sqlite_master|sqlite_schema|pg_catalog\.\w|sys\.(?:tables|objects|columns)))/i,
    example: 'SELECT 1 FROM sqlite_master',
    nearMiss: 'the information schema',
  },
);
