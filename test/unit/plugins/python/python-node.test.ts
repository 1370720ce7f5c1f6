import { expect } from 'chai';
import { type } from '../../../../src/base/schema.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { fromJSON, fromYaml, registry, toJSON, toYaml } from '../../../../src/forms/index.js';
import { pythonNode, pythonWorkers } from '../../../../src/plugins/python/index.js';
import { hashOf } from '../../../../src/runtimes/hash-of.js';
import { refusal } from '../../../support/caught.js';

const ports = { inputs: { rows: type<number[]>() }, outputs: { value: type<number>() } };
const score = pythonNode({ module: 'models.score', function: 'score', version: '2', workers: 'gpu', ...ports });
const known = { registry: registry(score) };

function build(node = score) {
  const w = workflow('scored');
  const a = w.add('a', node({ rows: [1, 2] }));
  return w.build({ outputs: { score: a.out.value } });
}

describe('A Python node', () => {
  it('stands in a document by its name and version, and comes back with its module and function', () => {
    expect(toJSON(build(), known).nodes).to.deep.equal({ a: { use: 'score@2', config: { rows: [1, 2] } } });
    for (const read of [fromJSON(toJSON(build(), known), known), fromYaml(toYaml(build(), known), known)]) {
      expect(read.bindings.implementations.get('a')?.executor).to.deep.equal({
        kind: 'python',
        name: 'gpu',
        target: { module: 'models.score', function: 'score', returns: 'value', secrets: [] },
        providedBy: 'pythonWorkers({ name: "gpu" }) of lockstep/python',
      });
      expect(hashOf(read)).to.equal(hashOf(build()));
    }
  });

  it('has a hash that is the same wherever it is worked out, by whichever workers it is performed', () => {
    expect(hashOf(build())).to.equal('6fc5596aa1435d5c3439cdd46aee2a2a5bebcef98a333c3be93375dff928d045');
    const elsewhere = pythonNode({ module: 'models.score', function: 'score', version: '2', ...ports });
    expect(hashOf(build(elsewhere))).to.equal(hashOf(build()));
  });

  it('without a version is known by its module and function', () => {
    const of = (module: string, name: string) =>
      hashOf(build(pythonNode({ name: 'score', module, function: name, ...ports })));
    expect(of('models.score', 'score')).to.equal(of('models.score', 'score'));
    expect(of('models.other', 'score')).to.not.equal(of('models.score', 'score'));
    expect(of('models.score', 'other')).to.not.equal(of('models.score', 'score'));
  });

  it('takes a dict for its outputs unless the only one is called value', () => {
    const returns = (outputs: object): unknown =>
      (pythonNode({ module: 'm', function: 'f', outputs } as never) as unknown as typeof score).implementation.executor
        ?.target.returns;
    const port = type<number>();
    expect([{}, { value: port }, { score: port }, { value: port, score: port }].map(returns)).to.deep.equal([
      'ports',
      'value',
      'ports',
      'ports',
    ]);
  });

  const refused: readonly (readonly [what: string, config: object, code: string, message: string])[] = [
    ['no module', { function: 'f' }, 'INVALID_DEFINITION', 'needs a module as Python imports it'],
    ['a path', { module: './models/score.py', function: 'f' }, 'INVALID_DEFINITION', 'needs a module'],
    ['no function', { module: 'm' }, 'INVALID_DEFINITION', 'needs the name of a function'],
    ['a method', { module: 'm', function: 'C.f' }, 'INVALID_DEFINITION', 'needs the name of a function'],
    ['workers without a name', { module: 'm', function: 'f', workers: '' }, 'INVALID_DEFINITION', 'names no workers'],
    [
      'a function of JavaScript',
      { module: 'm', function: 'f', run: () => 1 },
      'INVALID_DEFINITION',
      'cannot have "run"',
    ],
    ['an unknown field', { module: 'm', function: 'f', modul: 'm' }, 'UNKNOWN_OPTION', 'Did you mean "module"?'],
    ['outputs that are none', { module: 'm', function: 'f', outputs: 3 }, 'INVALID_DEFINITION', 'outputs'],
    ['nothing at all', undefined as never, 'INVALID_DEFINITION', 'needs a module'],
  ];
  for (const [what, config, code, message] of refused)
    it(`is refused with ${what}`, () => {
      const given = refusal(() => pythonNode(config && ({ outputs: {}, ...config } as never)));
      expect(given.code).to.equal(code);
      expect(given.message).to.contain(message);
    });
});

describe('The plugin with Python workers', () => {
  const refused: readonly (readonly [what: string, options: object, code: string, at: string])[] = [
    ['a name that is none', { name: '' }, 'INVALID_OPTION', 'workers.name'],
    ['no worker', { workers: 0 }, 'INVALID_OPTION', 'workers.workers'],
    ['half a worker', { workers: 1.5 }, 'INVALID_OPTION', 'workers.workers'],
    ['another start', { start: 'never' }, 'INVALID_OPTION', 'workers.start'],
    ['no call at a time', { maxConcurrentCalls: 0 }, 'INVALID_OPTION', 'workers.maxConcurrentCalls'],
    ['an option that there is none of', { worker: 2 }, 'UNKNOWN_OPTION', 'workers'],
    ['TCP without TLS', { transport: 'tcp' }, 'TLS_REQUIRED', 'workers'],
    ['an adapter that is none', { adapter: { executablePath: 3 } }, 'INVALID_OPTION', 'workers.adapter.executablePath'],
  ];
  for (const [what, options, code, at] of refused)
    it(`is refused with ${what}`, () => {
      const given = refusal(() => pythonWorkers(options));
      expect({ code: given.code, at: given.at }).to.deep.equal({ code, at });
    });
});
