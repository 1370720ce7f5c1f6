import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { ContractPolicy } from '../../../src/base/workflow.js';
import { MOST_VALUES, MOST_VIOLATIONS, policyRules, violations } from '../../../src/mixins/validation/policies.js';

const policies = Object.keys(policyRules) as ContractPolicy[];

function broken(policy: ContractPolicy, value: unknown): string[] {
  return violations(policy, value).map(({ rule, path }) => `${rule} ${path}`);
}

function rulesFor(policy: ContractPolicy, text: string): string[] {
  return violations(policy, text).map(({ rule }) => rule);
}

/** Made of parts, so that no scanner takes this file for a leak. */
const tokens = {
  github: `github_pat_${'1A'.repeat(11)}`,
  stripe: `rk_live_${'1A'.repeat(12)}`,
  slack: `https://hooks.slack.com/services/T${'0'.repeat(8)}/B${'0'.repeat(8)}/${'x'.repeat(24)}`,
  pgp: `-----BEGIN PGP PRIVATE ${'KEY'} BLOCK-----`,
};

/** Texts beside those of the table: what each rule finds, and what it leaves alone. */
const more: Readonly<Record<string, { readonly hits: readonly string[]; readonly passes: readonly string[] }>> = {
  'aws-access-key': { hits: ['key=ASIAIOSFODNN7EXAMPLE;'], passes: ['XAKIAIOSFODNN7EXAMPLE', 'akiaiosfodnn7example'] },
  'aws-secret-key': { hits: [`AWS_SECRET_ACCESS_KEY="${'b/'.repeat(20)}"`], passes: [`digest ${'b/'.repeat(20)}`] },
  'github-token': { hits: [tokens.github, `(gho_${'a'.repeat(36)})`], passes: [`ghx_${'a'.repeat(36)}`] },
  'gitlab-token': { hits: [`glrt-${'a'.repeat(20)}`], passes: [`Xglpat-${'a'.repeat(20)}`] },
  'slack-token': { hits: [tokens.slack, `xapp-${'1'.repeat(12)}`], passes: ['https://hooks.slack.com/services/'] },
  'stripe-key': { hits: [tokens.stripe], passes: ['sk_test_', 'task_test_0000000000000000'] },
  'google-key': { hits: [`ya29.${'a'.repeat(24)}`], passes: ['AIzabella'] },
  'private-key': {
    hits: [tokens.pgp, 'x\n-----BEGIN RSA PRIVATE KEY-----\n'],
    passes: ['BEGIN PRIVATE KEY', '-----BEGIN CERTIFICATE-----'],
  },
  'json-web-token': { hits: ['token eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJhIn0.'], passes: ['eyJ0eXAiOiJKV1QifQ'] },
  password: {
    hits: [
      '{"password": "hunter2"}',
      'DB_PASSWORD=hunter2',
      "api-key='k1'",
      'url?client_secret=abc',
      "{'passwd':'x'}",
      'password=null-island',
    ],
    passes: [
      '{"password": ""}',
      `password=\${PASSWORD}`,
      'password=***',
      'password = <yours>',
      'password == other',
      'passwordless=1',
      'the password: eight letters',
      'password=null&x=1',
    ],
  },
  'authorization-header': {
    hits: ['authorization: bearer abcdef123', 'Bearer 0123456789abcdef', '"Authorization": "Basic b3BlbjpzZXNhbWU="'],
    passes: ['Authorization: Bearer ***', 'bearer responsibilities', 'a basic introduction', 'Bearer [secret]'],
  },
  'connection-string': {
    hits: ['redis://:open@cache:6379', 'amqp://a:b:c@host', 'Server=db;User Id=sa;Pwd=open;'],
    passes: [
      'https://example.org:8080/a@b',
      `postgres://app:\${PW}@db`,
      'postgres://app:***@db',
      'Server=db;User Id=sa;Pwd=***;',
      'at 10:30 @home',
    ],
  },
  'e-mail': {
    hits: ['a.b+c@mail.example.co.uk', 'jürgen@bücher.example', '<x@y.io>'],
    passes: ['user@localhost', 'git@github.com:org/repo', 'a@b', '@handle'],
  },
  phone: {
    hits: ['call +1 (415) 555-2671 now', '+4915112345678', 'tel:+1.415.555.2671'],
    passes: ['+12345', '2026-01-01T00:00:00+0100', 'x+12345678901', '+0 1234567'],
  },
  'card-number': {
    hits: [
      '378282246310005',
      '371449635398431',
      '5555-5555-5555-4444',
      'paid with 6011111111111117.',
      '4111 1111 1111 1111 2024',
      '2424 4111111111111111',
    ],
    passes: ['1700000000000', '4111111111111', '0.4111111111111111', 'a4111111111111111', '9999 9999 9999 9995'],
  },
  iban: {
    hits: ['GB82WEST12345698765432', 'pay to NO93 8601 1117 947', 'DE89 3704 0044 0532 0130 00 AND MORE'],
    passes: [
      'GB82WEST12345698765433',
      'XX89370400440532013000',
      'DE89 3704 0044',
      'GB82WEST12345698765432X',
      'DE5137040044053201300', // its check sum is right, its length is not
      'GB49WEST123456987654321',
    ],
  },
  'us-ssn': {
    hits: ['ssn: 219-09-9998'],
    passes: ['666-12-3456', '900-12-3456', '123-00-6789', '123-45-0000', '2123-45-6789', '123-45-67890', '123456789'],
  },
  tautology: {
    hits: ["' or 'a'='a", '1) OR 1=1', '" or ""="', "x'/**/OR/**/1=1", "' or true--", "a' AND 1 = 1", "' || 1=1"],
    passes: ['yes or no', 'order = 1', "'a' or 'b'", '1 or 2 = 3', "x = 'true' or true"],
  },
  'union-select': {
    hits: ['1 union all select 1,2', 'UNION/**/SELECT 1', 'union(select 1)'],
    passes: ['the union selected him', 'reunion select', 'union and select'],
  },
  'stacked-statement': {
    hits: [
      "'; delete from users where 1",
      '1;insert into t values (1)',
      '; update users set admin=1',
      '; EXEC master..x',
      ';truncate table t',
      '; shutdown--',
    ],
    passes: [
      'wait; insert into the slot gently',
      'first; update the set',
      'save; execute the plan',
      'DROP TABLE users',
      '; create user accounts',
      '; delete from the list',
    ],
  },
  'comment-after-quote': {
    hits: ["x' -- ", "user=admin'--&pass=x", "' #", '1");--'],
    passes: ['the "best" -- or so', "use '--help' here", "color '#fff'", 'a -- b', "'---'"],
  },
  'command-shell': { hits: ["';exec XP_CMDSHELL 'x'", 'sp_executesql N'], passes: ['my_xp_cmdshells'] },
  'time-delay': {
    hits: ["1' AND pg_sleep(10)--", 'benchmark(1000000,md5(1))', "WAITFOR DELAY '0:0:5'"],
    passes: ['time.sleep(5)', 'sleep()', 'wait for delay', 'the benchmark (2024)'],
  },
  'file-access': {
    hits: ["load_file('/etc/passwd')", 'into dumpfile "x"'],
    passes: ['upload_file(x)', 'load file (x)'],
  },
  'schema-probe': {
    hits: ['SELECT * FROM information_schema.tables', 'from sys.objects'],
    passes: ['from system tables', 'my_information_schema'],
  },
};

for (const policy of policies) {
  describe(`The policy ${policy}`, () => {
    for (const rule of policyRules[policy]) {
      const { hits, passes } = more[rule.name] ?? { hits: [], passes: [] };

      it(`finds by ${rule.name} its example and its kin`, () => {
        expect(hits).to.not.be.empty;
        for (const text of [rule.example, ...hits]) {
          expect(rulesFor(policy, text), text).to.include(rule.name);
          expect(rulesFor(policy, `before\n${text}`), text).to.include(rule.name);
        }
      });

      it(`lets pass what only resembles ${rule.name}`, () => {
        expect(passes).to.not.be.empty;
        for (const text of [rule.nearMiss, ...passes]) expect(rulesFor(policy, text), text).to.deep.equal([]);
      });
    }

    it('finds nothing in values without text', () => {
      for (const value of [
        null,
        undefined,
        4111111111111111,
        true,
        1n,
        Symbol('x'),
        () => 1,
        [],
        {},
        new Map(),
        new Date(0),
      ]) {
        expect(violations(policy, value)).to.deep.equal([]);
      }
    });

    it('takes linear time on texts made to be slow', () => {
      const seeds = [
        'a',
        '1',
        ' ',
        "'",
        '"',
        'eyJ',
        'a@',
        '@a.',
        '+1',
        '4 ',
        '4111',
        'DE89',
        'A1 ',
        'or ',
        "' or ",
        '/**/',
        "'/**/",
        'union ',
        ';',
        '; ',
        'x://a:',
        'password=',
        "password' ",
        'bearer ',
        'uid=a;',
        'a=b;',
        '-----BEGIN ',
        'A ',
        '<',
        '123-',
        "' )",
        'update a ',
        `\${`,
      ];
      for (const seed of seeds) {
        const text = seed.repeat(Math.ceil(200_000 / seed.length));
        const start = performance.now();
        violations(policy, text);
        expect(performance.now() - start, seed).to.be.lessThan(1_000);
      }
    });
  });
}

describe('Violations of a policy', () => {
  it('are named by rule and path, in order, inside objects, arrays, Maps and Sets', () => {
    const value = {
      user: { mails: ['x', 'a@b.io'] },
      'odd key': new Map<unknown, unknown>([
        ['m', new Set(['c@d.io'])],
        [{ k: 'e@f.io' }, 1],
      ]),
    };
    expect(broken('no-pii', value)).to.deep.equal([
      'e-mail $.user.mails[1]',
      'e-mail $["odd key"].m[0]',
      'e-mail $["odd key"][key 1].k',
    ]);
  });

  it('are found in the names of keys, without repeating them', () => {
    const found = violations('no-pii', { ok: 1, 'a@b.io': { 'c@d.io': 'e@f.io' }, map: new Map([['g@h.io', 1]]) });
    expect(found.map(({ path }) => path)).to.deep.equal([
      '$[key 1]',
      '$[key 1][key 0]',
      '$[key 1][key 0]',
      '$.map[key 0]',
    ]);
    expect(JSON.stringify(found)).to.not.contain('@');
  });

  it('never name a key that another policy forbids', () => {
    const token = `ghp_${'a'.repeat(36)}`;
    expect(broken('no-pii', { [token]: 'a@b.io' })).to.deep.equal(['e-mail $[key 0]']);
  });

  it('are found by the name of a property whose value is a secret by position', () => {
    expect(broken('no-credentials', { db: { password: 'open', user: 'app' } })).to.deep.equal([
      'password $.db.password',
    ]);
    expect(broken('no-credentials', new Map([['apiKey', 'k']]))).to.deep.equal(['password $.apiKey']);
    expect(broken('no-credentials', { Authorization: 'x' })).to.deep.equal(['authorization-header $.Authorization']);
    expect(
      broken('no-credentials', { password: '', apiKey: '[secret]', passwordHint: 'dog', 'refresh-token': ' ' }),
    ).to.deep.equal([]);
  });

  it('are reported once for a value that is shared, and cycles end', () => {
    const shared = ['a@b.io'];
    const value: Record<string, unknown> = { one: shared, two: shared };
    value.self = value;
    expect(broken('no-pii', value)).to.deep.equal(['e-mail $.one[0]']);
  });

  it('include what was too large to be examined: silence would be a pass', () => {
    const large = Array.from({ length: MOST_VALUES + 1 }, () => 'x');
    expect(broken('no-pii', { large })).to.deep.equal(['not-examined $.large']);
    expect(broken('no-pii', large.slice(0, MOST_VALUES - 1))).to.deep.equal([]);
    expect(broken('no-pii', large.slice(0, MOST_VALUES))).to.deep.equal(['not-examined $']);
  });

  it('include large Maps, Sets and objects, of which a key counts as a value; bytes are no text and may be many', () => {
    const pairs = (count: number) => Array.from({ length: count }, (_, index) => [`k${index}`, 1] as const);
    const half = MOST_VALUES / 2 - 1; // with the root and every key: one value is left
    for (const of of [Object.fromEntries, (entries: readonly (readonly [string, number])[]) => new Map(entries)]) {
      expect(broken('no-pii', of(pairs(half)))).to.deep.equal([]);
      expect(broken('no-pii', of(pairs(half + 1)))).to.deep.equal(['not-examined $']);
      expect(broken('no-pii', of(pairs(MOST_VALUES)))).to.deep.equal(['not-examined $']);
    }
    expect(broken('no-pii', new Set(Array(MOST_VALUES).keys()))).to.deep.equal(['not-examined $']);
    expect(broken('no-pii', new Uint8Array(2 * MOST_VALUES))).to.deep.equal([]);
  });

  it('name a key by its position where it is no text, or longer than 64 characters', () => {
    expect(broken('no-pii', new Map([[7, 'a@b.io']]))).to.deep.equal(['e-mail $[0]']);
    const [kept, long] = ['k'.repeat(64), 'k'.repeat(65)];
    expect(broken('no-pii', { [kept]: 'a@b.io', [long]: 'a@b.io' })).to.deep.equal([
      `e-mail $.${kept}`,
      'e-mail $[key 1]',
    ]);
    expect(broken('no-pii', { '1a': ['a@b.io'], 'a-b': 'a@b.io', a_$1: 'a@b.io' })).to.deep.equal([
      'e-mail $["a-b"]',
      'e-mail $.a_$1',
      'e-mail $["1a"][0]',
    ]);
  });

  it('include what cannot be read, and nothing is thrown', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const trap = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(broken('no-sql', { trap })).to.deep.equal(['not-examined $.trap']);
    expect(broken('no-sql', [proxy])).to.deep.equal(['not-examined $[0]']);
  });

  it('say so when the policy does not exist', () => {
    expect(broken('no-such' as ContractPolicy, 'x')).to.deep.equal(['not-examined $']);
  });

  it('stop at a hundred', () => {
    expect(
      violations(
        'no-pii',
        Array.from({ length: 500 }, () => 'a@b.io'),
      ),
    ).to.have.length(MOST_VIOLATIONS);
  });

  it('are the same every time', () => {
    const value = ['4111 1111 1111 1111', 'DE89 3704 0044 0532 0130 00'];
    expect(violations('no-pii', value)).to.deep.equal(violations('no-pii', value));
  });
});

describe('docs/policies.md', () => {
  /** Runs of one character are shortened, so that the page holds nothing that a scanner takes for a leak. */
  const shown = (text: string): string => `\`${text.replace(/(.)\1{7,}/g, '$1…')}\``;
  const page = readFileSync(new URL('../../../../docs/policies.md', import.meta.url), 'utf8');
  const documented = page
    .split('\n## ')
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return { title: title.replaceAll('`', ''), rows: lines.filter((line) => line.startsWith('| `')) };
    });

  it('lists every policy, and no other', () => {
    expect(documented.map(({ title }) => title)).to.deep.equal(policies);
  });

  for (const policy of policies) {
    it(`lists every rule of ${policy}, and no other`, () => {
      const rows = policyRules[policy].map(
        ({ name, finds, example, nearMiss }) => `| \`${name}\` | ${finds} | ${shown(example)} | ${shown(nearMiss)} |`,
      );
      expect(documented.find(({ title }) => title === policy)?.rows).to.deep.equal(rows);
    });
  }
});
