import { expect } from 'chai';
import { parse } from 'yaml';
import { fromJSON, fromYaml, toJSON, toYaml } from '../../../src/forms/index.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { both } from '../../support/both.js';
import { capabilitiesIn } from '../../support/capabilities.js';
import { inForms, known } from '../../support/document-workflows.js';
import { nestedForms, nestedKnown } from '../../support/nested-workflows.js';

const all = [
  ...Object.entries(inForms).map(([name, form]) => [name, form, known] as const),
  ...Object.entries(nestedForms).map(([name, form]) => [name, form, nestedKnown] as const),
];

for (const [name, { build, yaml, params, output }, registry] of all) {
  describe(`the workflow "${name}" in three forms`, () => {
    it('runs the same, whether built by code, read from JSON or read from YAML', async () => {
      const document = JSON.parse(JSON.stringify(toJSON(build(), { registry }))) as unknown;
      const forms = [build, () => fromJSON(document, { registry }), () => fromYaml(yaml, { registry })];
      for (const form of forms) {
        const run = await both(form, { params });
        expect(run.code).to.equal('');
        expect(run.output).to.deep.equal(output);
      }
    });

    it('has one hash', () => {
      const hash = hashOf(build());
      expect(hashOf(fromJSON(toJSON(build(), { registry }), { registry }))).to.equal(hash);
      expect(hashOf(fromYaml(yaml, { registry }))).to.equal(hash);
      expect(hashOf(fromYaml(toYaml(build(), { registry }), { registry }))).to.equal(hash);
    });

    it('has the same capabilities, also those that are not hashed', () => {
      const capabilities = capabilitiesIn(build().data);
      expect(capabilitiesIn(fromJSON(toJSON(build(), { registry }), { registry }).data)).to.deep.equal(capabilities);
      expect(capabilitiesIn(fromYaml(yaml, { registry }).data)).to.deep.equal(capabilities);
      expect(capabilitiesIn(fromYaml(toYaml(build(), { registry }), { registry }).data)).to.deep.equal(capabilities);
    });

    it('is written the same again after it was read', () => {
      const document = toJSON(build(), { registry });
      expect(toJSON(fromJSON(document, { registry }), { registry })).to.deep.equal(document);
      expect(toYaml(fromYaml(toYaml(build(), { registry }), { registry }), { registry })).to.equal(
        toYaml(build(), { registry }),
      );
    });

    it('is plain JSON', () => {
      const document = toJSON(build(), { registry });
      expect(JSON.parse(JSON.stringify(document))).to.deep.equal(document);
      expect(Object.keys(parse(toYaml(build(), { registry })) as object)).to.deep.equal(Object.keys(document));
    });
  });
}
