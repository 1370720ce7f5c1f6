import { expect } from 'chai';
import { type PackedProject, packedProject, sourcesOf } from '../support/packed-project.js';
import { preparedEnvironment } from '../support/python-environment.js';

describe('The packed package, in a project of its own', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
  });

  it('type-checks and runs', async () => {
    expect(await project.compile()).to.deep.equal({ code: 0, stdout: '', stderr: '' });
    const VIRTUAL_ENV = await preparedEnvironment();
    expect(await project.run('build/main.js', undefined, { VIRTUAL_ENV })).to.deep.equal({
      code: 0,
      stdout: [
        'LocalRuntime { mean: 3 }',
        'AsyncLocalRuntime { mean: 0 }',
        'route: completed',
        'some: skipped',
        'none: completed',
        'In a thread { y: 42 }',
        'In Python { value: 1267650600228229401496703205376n }',
        '',
      ].join('\n'),
      stderr: '',
    });
  });

  const wrong: readonly (readonly [string, string, string, RegExp])[] = [
    ['a misspelt input port', 'mean({ numbers:', 'mean({ nubmers:', /Did you mean to write 'numbers'\?/],
    ['a missing input port', 'mean({ numbers: route.out.some })', 'mean({})', /Property 'numbers' is missing/],
    ['an unknown output port', 'some.out.mean', 'some.out.median', /Property 'median' does not exist/],
    ['an unknown case', 'route.out.none', 'route.out.nothing', /Property 'nothing' does not exist/],
    ['an input of the wrong type', 'route.out.some })', "['1'] })", /Type 'string' is not assignable to type/],
    ['a missing parameter', '{ numbers: [] }', '{}', /Property 'numbers' is missing/],
  ];
  for (const [what, text, replacement, message] of wrong) {
    it(`does not compile with ${what}`, async () => {
      const main = sourcesOf('examples/packed')['main.ts'] ?? '';
      expect(main).to.contain(text);
      project.add('wrong', { 'main.ts': main.replace(text, replacement) });
      const { code, stdout } = await project.compile('wrong');
      expect(code).to.not.equal(0);
      expect(stdout).to.match(message);
      expect(stdout.match(/error TS/g)).to.have.length(1);
    });
  }
});
