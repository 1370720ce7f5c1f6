import { expect } from 'chai';
import { resumeArguments } from '../../../src/base/resume-arguments.js';
import { workflow } from '../../../src/base/workflow-builder.js';

describe('The arguments of resume', () => {
  const w = workflow('w');
  w.fn('a', {}, () => 1);
  const built = w.build();
  const options = { force: true } as const;

  it('are a workflow and a run id', () => {
    expect(resumeArguments([built, 'r'])).to.deep.equal([built, 'r', {}]);
    expect(resumeArguments([built, 'r', options])).to.deep.equal([built, 'r', options]);
  });

  it('are a run id', () => {
    expect(resumeArguments(['r'])).to.deep.equal([undefined, 'r', {}]);
    expect(resumeArguments(['r', options])).to.deep.equal([undefined, 'r', options]);
  });

  it('are passed on where they are something else, to be refused', () => {
    expect(resumeArguments(['a', 'b'] as never)).to.deep.equal(['a', 'b', {}]);
    expect(resumeArguments([built] as never)).to.deep.equal([built, undefined, {}]);
    expect(resumeArguments(['r', null] as never)).to.deep.equal([undefined, 'r', null]);
  });
});
