import { expect } from 'chai';
import { parse } from 'yaml';
import { errorCatalog } from '../../../src/base/error-catalog.js';
import { DocumentError, fromJSON, fromYaml } from '../../../src/forms/index.js';
import { withMilliseconds } from '../../../src/forms/yaml-durations.js';
import { caught } from '../../support/caught.js';
import { known as registry } from '../../support/document-workflows.js';
import { refusedDocuments } from '../../support/refused-documents.js';

describe('a document that cannot be read', () => {
  for (const [what, { yaml, code, at, line, column, says, schema }] of Object.entries(refusedDocuments)) {
    it(`names the place of ${what}`, () => {
      const error = caught(() => fromYaml(yaml, { registry })) as DocumentError;
      expect(error).to.be.instanceOf(DocumentError);
      expect({ code: error.code, at: error.at, line: error.line, column: error.column }).to.deep.equal({
        code,
        at,
        line,
        column,
      });
      const { remedy } = errorCatalog[error.code];
      expect(error.message).to.equal(`line ${line}, column ${column}: ${at}: ${says} ${remedy}\n\n${error.frame}`);
      const marked = (error.frame ?? '').split('\n').find((each) => each.startsWith('>'));
      expect(marked).to.equal(`> ${line} | ${yaml.split('\n')[line - 1]}`.trimEnd());
      if (schema === 'not text') return;
      const same = caught(() => fromJSON(withMilliseconds(parse(yaml)), { registry })) as DocumentError;
      expect([same.code, same.at, same.message]).to.deep.equal([code, at, `${at}: ${says} ${remedy}`]);
      expect(same).to.include({ line: undefined, frame: undefined });
    });
  }

  it('shows two lines before the place and one after, and points at it', () => {
    const { yaml } = refusedDocuments['an unknown key'] as { readonly yaml: string };
    expect((caught(() => fromYaml(`${yaml}\noutputs: {}\n`, { registry })) as DocumentError).frame).to.equal(
      [
        '  3 | nodes:',
        '  4 |   a: { use: halve, config: { n: 1 } }',
        '> 5 |   b: { use: halve, inptus: { n: a.n } }',
        '    |                    ^',
        '  6 | outputs: {}',
      ].join('\n'),
    );
  });

  it('keeps the error of the builder as its cause', () => {
    const { yaml } = refusedDocuments['an unknown output'] as { readonly yaml: string };
    expect((caught(() => fromYaml(yaml, { registry })).cause as Error).message).to.equal(
      'The output x reads "a.m". Did you mean "n"? Correct the port name.',
    );
  });
});
