import { defineNode, LocalRuntime, type, workflow } from 'lockstep';
import { AUDIT, audit } from './audit.js';

const unsteady = defineNode({
  name: 'unsteady',
  outputs: { answer: type<number>() },
  retry: { attempts: 3 },
  run: (_, { attempt }) => {
    if (attempt < 3) throw new Error(`attempt ${attempt} went wrong`);
    return { answer: 42 };
  },
});

const w = workflow('audited');
const source = w.add('source', unsteady());
const doubled = w.fn('double', { answer: source.out.answer }, ({ answer }) => answer * 2);
const audited = w.build({ outputs: { doubled: doubled.out.value } });

using runtime = new LocalRuntime({ plugins: [audit] });
console.log(runtime.execute(audited).unwrap().doubled);
for (const line of runtime.get(AUDIT)) console.log(line);
