import { AsyncLocalRuntime, type, workflow } from 'lockstep';
import { pythonNode, pythonWorkers } from 'lockstep/python';
import { politePython } from './adapter.js';

const priority = pythonNode({ module: 'chores', function: 'priority', outputs: { value: type<number>() } });

const w = workflow('chores');
const chore = w.add('chore', priority());
const chores = w.build({ outputs: { niceness: chore.out.value } });

const paths = [new URL('./python/', import.meta.url)];
await using runtime = new AsyncLocalRuntime({ plugins: [pythonWorkers({ adapter: await politePython(), paths })] });
console.log((await runtime.execute(chores)).output);
