import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../src/base/node.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import {
  assertParity,
  explore,
  type GateAnswers,
  type Interleaving,
  type OpenGate,
  ParityError,
} from '../../src/testing/index.js';
import { rejection } from '../support/caught.js';

/** An offer that somebody reviews. */
function offer() {
  const w = workflow('offer', { params: { price: type<number>() } });
  const review = w.gate('review', {
    shows: { price: w.params.price },
    answer: z.object({ discount: z.number() }),
    timeoutMs: 3_600_000,
  });
  const sent = w.fn('sent', { price: w.params.price, terms: review.out.approved }, ({ price, terms }) => {
    return price - terms.discount;
  });
  const shelved = w.fn('shelved', { why: review.out.rejected }, ({ why }) => why.reason);
  const late = w.fn('late', { at: review.out.timedOut }, () => 'nobody came');
  const end = review.join({ approved: sent.out.value, rejected: shelved.out.value, timedOut: late.out.value });
  return w.build({ outputs: { end } });
}

async function endOf(answers: GateAnswers): Promise<unknown> {
  const outcome = await assertParity(offer(), { price: 200 }, { answers });
  expect(outcome.status).to.equal('completed');
  return outcome.status === 'completed' ? outcome.output.end : undefined;
}

describe('assertParity with answers', () => {
  it('answers a gate alike in both runtimes and goes on to the end', async () => {
    expect(await endOf({ review: { approve: { discount: 20 } } })).to.equal(180);
    expect(await endOf({ review: { reject: 'too dear' } })).to.equal('too dear');
  });

  it('lets time pass until a gate times out', async () => {
    expect(await endOf({ review: 'expire' })).to.equal('nobody came');
  });

  it('lets no time pass while there is something to answer', async () => {
    const w = workflow('two');
    const now = w.gate('now', { timeoutMs: 7_200_000 });
    w.gate('never', { timeoutMs: 3_600_000 });
    w.fn('after', { yes: now.out.approved }, () => 1);
    const times: number[] = [];
    const check = (_: unknown, { events }: Interleaving): void => {
      const [first] = events;
      for (const { kind, ts } of events)
        if (kind === 'gate.approved' || kind === 'gate.expired' || kind === 'run.waiting')
          times.push(ts - (first?.ts ?? 0));
      expect(events.findLast(({ kind }) => kind === 'attempt.started')?.ts).to.equal(first?.ts);
    };
    await explore(w.build(), {}, check, { seeds: 1, answers: { now: { approve: null }, never: 'expire' } });
    expect(times).to.deep.equal([0, 0, 0, 3_600_000]);
  });

  it('asks a function each time that a gate opens', async () => {
    const pass = defineNode({
      name: 'pass',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: ({ n }) => ({ n }),
    });
    const w = workflow('rounds');
    const step = w.add('step', pass({ n: 1 }));
    const ask = w.gate('ask', { shows: { n: step.out.n }, answer: z.number() });
    const note = w.add('note', pass({ n: ask.out.approved }));
    w.cycle('loop', { feedback: [note.out.n.to(step.in.n)], maxIterations: 3 });
    const asked: OpenGate[] = [];
    const outcome = await assertParity(
      w.build({ outputs: { n: note.out.n } }),
      {},
      {
        answers: {
          ask: (open) => {
            asked.push(open);
            return { approve: open.visit * 10 };
          },
        },
      },
    );
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ n: 30 });
    const rounds = [1, 10, 20].map((n, index) => ({ gate: 'ask', shows: { n }, visit: index + 1 }));
    expect(asked).to.deep.equal([...rounds, ...rounds]);
  });

  it('answers gates in maps and subworkflows by their path', async () => {
    const c = workflow('child', { params: { n: type<number>() } });
    const ok = c.gate('ok', { shows: { n: c.params.n } });
    const done = c.fn('done', { given: ok.out.approved }, ({ given }) => given);
    const child = c.build({ outputs: { done: done.out.value } });
    const w = workflow('owners');
    const list = w.fn('list', {}, () => [4, 5]);
    const each = w.map('each', list.out.value, (n) => child({ n }));
    const one = w.add('one', child({ n: 9 }));
    const outcome = await assertParity(
      w.build({ outputs: { each: each.out.done, one: one.out.done } }),
      {},
      {
        answers: {
          'each/child/ok': ({ gate, shows }) => ({ approve: `${gate} ${String(shows.n)}` }),
          'one/ok': { approve: 1 },
        },
      },
    );
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({
      each: ['each[0]/child/ok 4', 'each[1]/child/ok 5'],
      one: 1,
    });
  });

  it('without them ends where a run waits', async () => {
    expect((await assertParity(offer(), { price: 200 })).status).to.equal('waiting');
  });

  it('notices what differs only after an answer', async () => {
    let calls = 0;
    const w = workflow('sly');
    const ok = w.gate('ok', {});
    w.fn('after', { ok: ok.out.approved }, () => ++calls);
    const error = (await assertParity(w.build(), {}, { answers: { ok: { approve: null } } }).catch(
      (thrown: unknown) => thrown,
    )) as ParityError;
    expect(error).to.be.instanceOf(ParityError);
    expect(error.path).to.match(/^log\.\d+\.data\.output\.value$/);
  });

  const refused: readonly (readonly [what: string, answers: unknown, code: string, message: string])[] = [
    ['a gate without an answer', {}, 'GATE_UNANSWERED', 'Gate "review" waits, and no answer is given for "review".'],
    ['a name that is no gate', { revue: 'expire' }, 'UNKNOWN_OPTION', 'Did you mean "review"?'],
    [
      'an answer that is none',
      { review: 'yes' },
      'INVALID_OPTION',
      'must be { approve: value }, { reject: reason } or "expire"',
    ],
    ['two answers in one', { review: { approve: 1, reject: 'no' } }, 'INVALID_OPTION', 'must be { approve'],
    ['what a function answers', { review: () => 7 }, 'INVALID_OPTION', 'must be { approve'],
    [
      'a value that the gate does not accept',
      { review: { approve: 1 } },
      'GATE_ANSWER_INVALID',
      'does not fit gate "review"',
    ],
  ];
  for (const [what, answers, code, message] of refused) {
    it(`refuses ${what}`, async () => {
      const error = await rejection(assertParity(offer(), { price: 1 }, { answers: answers as GateAnswers }));
      expect(error.code).to.equal(code);
      expect(error.message).to.contain(message);
    });
  }

  it('refuses to wait for a gate that never times out', async () => {
    const w = workflow('patient');
    w.gate('ok', {});
    const error = await rejection(assertParity(w.build(), {}, { answers: { ok: 'expire' } }));
    expect(error.code).to.equal('GATE_UNANSWERED');
    expect(error.message).to.contain('Gate "ok" never times out');
  });
});
