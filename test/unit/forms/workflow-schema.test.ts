import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse } from 'yaml';
import { DocumentError, fromYaml, toJSON, toYaml } from '../../../src/forms/index.js';
import { jsonSchemaFaults } from '../../../src/mixins/validation/json-schema.js';
import { caught } from '../../support/caught.js';
import { inForms, known } from '../../support/document-workflows.js';
import { nestedForms, nestedKnown } from '../../support/nested-workflows.js';
import { refusedDocuments } from '../../support/refused-documents.js';

const path = fileURLToPath(new URL('../../../../workflow.schema.json', import.meta.url));
const schema = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
const faults = (document: unknown): readonly string[] => jsonSchemaFaults(schema, document);

describe('workflow.schema.json', () => {
  const all = [
    ...Object.entries(inForms).map(([name, form]) => [name, form, known] as const),
    ...Object.entries(nestedForms).map(([name, form]) => [name, form, nestedKnown] as const),
  ];
  for (const [name, { build, yaml }, registry] of all) {
    it(`accepts the workflow "${name}" as it is written by hand, by toJSON and by toYaml`, () => {
      expect(faults(parse(yaml))).to.deep.equal([]);
      expect(faults(toJSON(build(), { registry }))).to.deep.equal([]);
      expect(faults(parse(toYaml(build(), { registry })))).to.deep.equal([]);
    });
  }

  for (const [what, { yaml, schema: shape }] of Object.entries(refusedDocuments)) {
    if (shape === 'not text') continue;
    it(`${shape === 'refuses' ? 'refuses' : 'cannot see'} ${what}`, () => {
      expect(caught(() => fromYaml(yaml, { registry: known }))).to.be.instanceOf(DocumentError);
      expect(faults(parse(yaml)).length > 0).to.equal(shape === 'refuses');
    });
  }
});
