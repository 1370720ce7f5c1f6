import { expect } from 'chai';
import fc from 'fast-check';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { describeFlow } from '../../../src/testing/arbitrary/describe-flow.js';
import { allNodes, type FlowNode } from '../../../src/testing/arbitrary/flow.js';
import {
  type ArbitraryWorkflowOptions,
  arbitraryWorkflow,
  type GeneratedWorkflow,
  VirtualClock,
} from '../../../src/testing/index.js';
import { caught } from '../../support/caught.js';

function sample(options: ArbitraryWorkflowOptions, numRuns = 60): readonly GeneratedWorkflow[] {
  return fc.sample(arbitraryWorkflow(fc, options), { numRuns, seed: 11 });
}

/** Whether something holds for any node, those of children included. */
function some(drawn: readonly GeneratedWorkflow[], holds: (node: FlowNode) => boolean): boolean {
  return drawn.some(({ spec }) => allNodes(spec).some(holds));
}

const isSwitch = ({ kind }: FlowNode): boolean => kind === 'first' || kind === 'all' || kind === 'partition';
const isChild = ({ kind }: FlowNode): boolean => kind === 'map' || kind === 'subworkflow';

/** The smallest workflow for which something does not hold. */
function counterexample(holds: (drawn: GeneratedWorkflow) => boolean): { smallest: GeneratedWorkflow; report: string } {
  const property = fc.property(arbitraryWorkflow(fc), holds);
  const details = fc.check(property, { seed: 3, numRuns: 300 });
  const [smallest] = details.counterexample ?? [];
  if (smallest === undefined) throw new Error('It always holds.');
  return { smallest, report: fc.defaultReportMessage(details) ?? '' };
}

describe('arbitraryWorkflow', function () {
  this.timeout(60_000);

  it('leaves out what it is told to', () => {
    const without: readonly (readonly [keyof ArbitraryWorkflowOptions, (node: FlowNode) => boolean])[] = [
      ['switches', isSwitch],
      ['children', isChild],
      ['gates', ({ kind }) => kind === 'gate'],
      ['failures', ({ failures }) => failures.length > 0],
      ['retries', ({ retry }) => retry !== undefined],
      ['delays', ({ retry }) => (retry?.delayMs ?? 0) > 0],
    ];
    const everything = sample({});
    for (const [name, holds] of without) {
      expect(some(everything, holds), `${name} by default`).to.equal(true);
      expect(some(sample({ [name]: false }), holds), `${name}: false`).to.equal(false);
    }
    const cycles = (options: ArbitraryWorkflowOptions): boolean =>
      sample(options).some(({ spec }) =>
        [spec, ...allNodes(spec).flatMap(({ child }) => child ?? [])].some((each) => each.cycles.length > 0),
      );
    expect([cycles({}), cycles({ cycles: false })]).to.deep.equal([true, false]);
  });

  it('adds durations and asynchronous functions where it is told to', () => {
    const takes = ({ takesMs }: FlowNode): boolean => takesMs !== undefined;
    expect([some(sample({}), takes), some(sample({ durations: true }), takes)]).to.deep.equal([false, true]);
    const async = (options: ArbitraryWorkflowOptions): boolean =>
      sample(options).some(({ workflow }) => [...workflow.bindings.implementations.values()].some((one) => one.async));
    expect([async({}), async({ async: true })]).to.deep.equal([false, true]);
  });

  it('draws as many parts as it is told to, and no more', () => {
    const most = Math.max(...sample({ size: 3, cycles: false, children: false }).map(({ spec }) => spec.nodes.length));
    expect(most).to.equal(3);
  });

  it('gives workflow, parameters and options that fit each other, the same whenever they are read', () => {
    for (const drawn of sample({ failures: false, gates: false }, 40)) {
      const { workflow, params, set } = drawn;
      expect(drawn.workflow).to.equal(workflow);
      const [one, two] = [0, 1].map(() => new LocalRuntime().execute(workflow, params, { set }).output);
      expect(one).to.deep.equal(two);
    }
  });

  it('needs a clock where nodes take time', () => {
    const drawn = sample({ durations: true }).find(({ spec }) => {
      const [first] = spec.nodes;
      return first?.kind === 'task' && first.takesMs !== undefined && first.after.length === 0;
    }) as GeneratedWorkflow;
    const outcome = new LocalRuntime().settle(drawn.workflow, drawn.params, { set: drawn.set });
    if (outcome.status === 'rejected') throw outcome.error;
    const failed = [...outcome.nodes.values()].find(({ error }) => error?.code === 'INVALID_OPTION');
    expect(failed?.error?.message).to.contain('takes time, and no clock is given. Take the workflow from on(clock).');
    const clock = new VirtualClock(0);
    new LocalRuntime({ clock }).settle(drawn.on(clock), drawn.params, { set: drawn.set });
    expect(clock.now()).to.be.at.least(drawn.spec.nodes[0]?.takesMs as number);
  });

  it('shrinks to the few nodes that matter', () => {
    const cycle = counterexample(({ spec }) => spec.cycles.length === 0).smallest.spec;
    expect(cycle.nodes.map(({ id }) => id)).to.deep.equal(['c0_head', 'c0_tail']);
    const gate = counterexample(({ spec }) => !allNodes(spec).some(({ kind }) => kind === 'gate')).smallest.spec;
    expect(gate.nodes.map(({ id }) => id)).to.deep.equal(['g0']);
    // What was drawn inside a cycle stays there, in the smallest one.
    const map = counterexample(({ spec }) => !spec.nodes.some(({ kind }) => kind === 'map')).smallest.spec;
    expect(map.nodes).to.have.length.at.most(4);
  });

  it('prints a counterexample as a description of its structure', () => {
    const { smallest, report } = counterexample(({ spec }) => spec.cycles.length === 0);
    expect(String(smallest)).to.equal(
      [
        'workflow',
        '  c0_head: task, gives number; timer',
        '    fed = 1',
        '    more? = nothing',
        '  c0_tail: task, gives number; timer',
        '    t = c0_head.value',
        '  c0: cycle from c0_tail.value to c0_head.fed; at most 1 iterations',
      ].join('\n'),
    );
    expect(report).to.contain(`Counterexample: [${String(smallest)}]`);
  });

  const refused: readonly (readonly [what: string, module: unknown, options: object, message: string])[] = [
    ['no module', undefined, {}, 'takes the module fast-check first'],
    ['another module', { constant: () => 1 }, {}, 'takes the module fast-check first'],
    ['an unknown option', fc, { cycle: false }, 'Did you mean "cycles"?'],
    ['a word instead of yes or no', fc, { gates: 'no' }, 'gates must be true or false'],
    ['a size of nothing', fc, { size: 0 }, 'size must be a whole number of at least 1'],
  ];
  for (const [what, module, options, message] of refused) {
    it(`refuses ${what}`, () => {
      const error = caught(() => arbitraryWorkflow(module as typeof fc, options));
      expect(error.code).to.be.oneOf(['INVALID_OPTION', 'UNKNOWN_OPTION']);
      expect(error.message).to.contain(message);
    });
  }
});

describe('the description of a workflow', () => {
  it('has a line for each node, input, failure, cycle and output, and what runs inside a node below it', () => {
    const plain = { join: 'required', after: [], gives: 'number', failures: [], form: 'inline' } as const;
    const output = (node: string, port = 'value', path: 'whole' | 'n' = 'whole') =>
      ({ kind: 'output', node, port, path }) as const;
    const item = { kind: 'parameter', name: '$item' } as const;
    const text = describeFlow({
      parameters: { how: 'broadcast', values: { i0: 3 } },
      set: { n0: { i1: null } },
      nodes: [
        {
          ...plain,
          id: 'n0',
          kind: 'try',
          inputs: { i0: { from: [], optional: true, config: 4 }, i1: { from: [], optional: false } },
          failures: [
            { visit: 0, times: 2, how: 'code', sometimes: true },
            { visit: 1, times: 1, how: 'nothing' },
          ],
          retry: { attempts: 3, delayMs: 7, backoff: 'linear', jitter: 0.5, dontRetryCode: true },
          takesMs: 4,
          timeoutMs: 5.5,
          totalTimeoutMs: 9.5,
        },
        {
          ...plain,
          id: 's1',
          kind: 'first',
          inputs: { value: { from: [{ kind: 'or', of: [output('n0'), item], literal: true }], optional: false } },
          cases: ['a', 'b'],
          otherwise: true,
          join: 'any',
          after: ['n0'],
        },
        {
          ...plain,
          id: 'm2',
          kind: 'map',
          inputs: { $list: { from: [{ kind: 'collect', of: [output('n0', 'value', 'n')] }], optional: false } },
          map: {
            maxConcurrency: 2,
            onItemError: 'collect',
            body: {
              ...plain,
              id: 'w3',
              kind: 'subworkflow',
              inputs: { p0: { from: [item], optional: false } },
              child: {
                parameters: { how: 'declared', values: {} },
                set: {},
                nodes: [
                  {
                    ...plain,
                    id: 'g4',
                    kind: 'gate',
                    inputs: {},
                    gate: { answers: ['approve', 'expire'], timeoutMs: 60 },
                  },
                ],
                cycles: [],
                outputs: { o0: output('g4', 'approved') },
              },
            },
          },
        },
      ],
      cycles: [
        {
          id: 'c5',
          feedback: [{ from: output('s1', 'a'), node: 'n0', port: 'i0' }],
          until: { of: output('n0'), least: 2 },
          maxIterations: 3,
          onMaxIterations: 'fail',
          timeoutMs: 25,
          onTimeout: 'accept',
          keepHistory: 2,
          within: 'c6',
        },
      ],
      outputs: {
        o0: { kind: 'join', owner: 's1', cases: { a: output('n0'), b: { kind: 'required', of: output('s1', 'b') } } },
      },
    });
    expect(text.split('\n')).to.deep.equal([
      'workflow with i0 = 3 (undeclared)',
      '  set n0.i1 to null',
      '  n0: try, gives number; 3 attempts after 7 ms (linear, jitter 0.5), not for SCRIPTED; takes 4 ms; 5.5 ms an attempt; 9.5 ms in all',
      '    i0? = 4',
      '    i1 = nothing',
      '    throws an error with the code SCRIPTED in every visit, 2 times, for some inputs',
      '    returns nothing in visit 1, 1 times',
      '  s1: switch (first), cases a, otherwise b; join any; after n0',
      '    value = n0.value or $item or 7',
      '  m2: map, 2 at once, collects failures',
      '    $list = collect(n0.value.n)',
      '    w3: subworkflow',
      '      p0 = $item',
      '      g4: gate: approve, expire, times out after 60 ms',
      '      output o0 = g4.approved',
      '  c5: cycle from s1.a to n0.i0; until n0.value >= 2; at most 3 iterations or it fails; at most 25 ms; keeps 2 metrics; within c6',
      '  output o0 = s1.join(a: n0.value, b: required(s1.b))',
    ]);
  });
});
