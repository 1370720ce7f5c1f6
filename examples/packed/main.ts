import { AsyncLocalRuntime, defineNode, LocalRuntime, moduleNode, otherwise, workflow } from 'lockstep';
import { pythonNode, pythonWorkers } from 'lockstep/python';
import { z } from 'zod';

const mean = defineNode({
  name: 'mean',
  inputs: { numbers: z.array(z.number()) },
  outputs: { mean: z.number() },
  run: ({ numbers }) => ({ mean: numbers.reduce((sum, value) => sum + value, 0) / numbers.length }),
});

const triple = moduleNode({
  name: 'triple',
  module: new URL('./triple.js', import.meta.url),
  inputs: { x: z.number() },
  outputs: { y: z.number() },
});

const w = workflow('consumer', { params: { numbers: z.array(z.number()) } });
const route = w.switch('route', w.params.numbers, { some: (numbers) => numbers.length > 0, none: otherwise });
const some = w.add('some', mean({ numbers: route.out.some }));
const none = w.fn('none', { numbers: route.out.none }, () => 0);
const consumer = w.build({ outputs: { mean: route.join({ some: some.out.mean, none: none.out.value }) } });

using local = new LocalRuntime();
console.log('LocalRuntime', local.execute(consumer, { numbers: [1, 2, 6] }).unwrap());

await using asynchronous = new AsyncLocalRuntime();
const run = await asynchronous.execute(consumer, { numbers: [] });
console.log('AsyncLocalRuntime', run.unwrap());
for (const node of run.nodes.values()) console.log(`${node.id}: ${node.status}`);

const v = workflow('threads');
const tripled = v.add('tripled', triple({ x: 14 }));
console.log('In a thread', local.execute(v.build({ outputs: { y: tripled.out.y } })).output);

const power = pythonNode({
  module: 'numbers_tools',
  function: 'power',
  inputs: { base: z.number(), exponent: z.number() },
  outputs: { value: z.bigint() },
});
const u = workflow('python');
const large = u.add('large', power({ base: 2, exponent: 100 }));
using withPython = new LocalRuntime({ plugins: [pythonWorkers({ paths: [new URL('../python', import.meta.url)] })] });
console.log('In Python', withPython.execute(u.build({ outputs: { value: large.out.value } })).output);
