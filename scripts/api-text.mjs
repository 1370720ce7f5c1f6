/** Turns items of a doc model, as API Extractor writes them, into Markdown text and lines of TypeScript. */

const LONGEST_LINE = 120;
const INDENT = '  ';

/** What the model says of a constructor without a comment. */
const BOILERPLATE = /^Constructs a new instance of the `\w+` class$/;

/** What the comment on an item says, as Markdown. */
export function itemProse({ docComment }) {
  return commentLines(docComment)
    .join('\n')
    .replace(/^@remarks\n*/gm, '')
    .replace(/^@(param|typeParam) (\S+) - /gm, '- `$2`: ')
    .replace(/^@throws /gm, 'Throws: ')
    .replace(/^@returns /gm, 'Returns: ')
    .replace(/^@defaultValue /gm, 'Default: ')
    .replace(/^@example\n*/gm, 'Example:\n\n')
    .replace(/^@see /gm, 'See ')
    .replace(/(^- .*)\n\n(?=- )/gm, '$1\n')
    .trim();
}

/** The first sentence about one of several overloads. */
export function oneSentence(overloads) {
  const text = overloads.map(itemProse).find((prose) => prose !== '') ?? '';
  const paragraph = text.split('\n\n')[0].replaceAll('\n', ' ');
  return /^.*?[.!?](?=\s|$)/.exec(paragraph)?.[0] ?? paragraph;
}

/** The declaration of an export; the members of a class or an interface follow, each below its comment. */
export function declarationLines({ excerptTokens, members, kind }) {
  const declaration = codeOf(excerptTokens).replace(/^export (declare )?/, kind === 'Variable' ? 'const ' : '');
  if (kind !== 'Class' && kind !== 'Interface') return withSemicolon(declaration).split('\n');
  if (members.length === 0) return [`${declaration} {}`];
  const inner = members.flatMap((member) => [...commentBlock(member), ...memberLines(member)]);
  return [`${declaration} {`, ...inner.map((line) => INDENT + line), '}'];
}

/** A member; the lines after its first stand one level deeper in the model than in the member itself. */
function memberLines({ excerptTokens }) {
  return withSemicolon(codeOf(excerptTokens).replaceAll(`\n${INDENT}`, '\n')).split('\n');
}

function codeOf(excerptTokens) {
  const text = excerptTokens.map((token) => token.text).join('');
  return text.replaceAll('    ', INDENT).trim();
}

function withSemicolon(declaration) {
  return declaration.endsWith(';') ? declaration : `${declaration};`;
}

/** The comment on a member as it stands in code: on one line where it fits. */
function commentBlock({ docComment }) {
  const lines = commentLines(docComment).filter((line, index, all) => line !== '' || all[index - 1] !== '');
  if (lines.length === 0) return [];
  const [only] = lines;
  if (lines.length === 1 && only.length + INDENT.length + '/**  */'.length <= LONGEST_LINE) return [`/** ${only} */`];
  return ['/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */'];
}

/** The text of a comment, without its frame; a block tag and its text on one line; links as code. */
function commentLines(docComment) {
  const text = (docComment ?? '')
    .replace(/^\/\*\*\n?|\s*\*\/\s*$/g, '')
    .replace(/^ ?\* ?/gm, '')
    .replace(/^@(throws|returns|see|defaultValue)\n+/gm, '@$1 ')
    .replace(/\{@link ([^}|]+?)(?:\s*\|\s*([^}]+))?\}/g, (_, target, label) => label ?? `\`${target}\``)
    .trim();
  return text === '' || BOILERPLATE.test(text) ? [] : text.split('\n');
}
