import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { definePredicate } from '../../../src/base/predicate.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { NodeRegistry, registry } from '../../../src/forms/index.js';
import { refusal } from '../../support/caught.js';

function node(name: string, version?: string) {
  const own = version === undefined ? {} : { version };
  return defineNode({ name, ...own, outputs: { value: type<number>() }, run: () => ({ value: 1 }) });
}

function oneNode(name: string): Workflow {
  const w = workflow(name);
  w.fn('one', {}, () => 1);
  return w.build();
}

describe('a registry', () => {
  it('finds a definition by name and version, and without a version the latest', () => {
    const [old, recent] = [node('clean', '1.9.0'), node('clean', '1.10.0')];
    const known = registry(recent, old);
    expect(known.get('clean', '1.9.0').implementation).to.equal(old.implementation);
    expect(known.get('clean').implementation).to.equal(recent.implementation);
    expect(known.holds(old.implementation)).to.equal(true);
    expect(known.holds(node('clean', '1.9.0').implementation)).to.equal(false);
  });

  it('finds a definition that has no version', () => {
    const plain = node('plain');
    expect(registry(plain).get('plain').implementation).to.equal(plain.implementation);
  });

  it('orders versions semantically: releases after their pre-releases, and all after what is no such version', () => {
    const ascending = ['beta', 'gamma', '0.9', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta.2'];
    ascending.push('1.0.0-beta.11', '1.0.0-rc.1', '1', '1.0.1', 'v1.2', '2', '10');
    for (let count = 1; count <= ascending.length; count++) {
      const known = new NodeRegistry();
      for (const version of ascending.slice(0, count).reverse()) known.register(node('n', version));
      expect(known.get('n').implementation.identity).to.deep.equal({ name: 'n', version: ascending[count - 1] });
    }
  });

  it('keeps definitions, predicates, workflows and schemas apart', () => {
    const predicate = definePredicate({ name: 'clean', version: '1', test: () => true });
    const schema = type<number>();
    const known = registry(node('clean', '1'), predicate).registerSchema('clean', schema);
    expect(known.predicate('clean')).to.equal(predicate);
    expect(known.schema('clean')).to.equal(schema);
    expect(known.nameOfSchema(schema)).to.equal('clean');
    const child = oneNode('clean');
    known.register(child);
    expect(known.workflow('clean')).to.equal(child);
    expect(known.list()).to.deep.equal({
      definitions: ['clean@1'],
      predicates: ['clean@1'],
      workflows: ['clean'],
      schemas: ['clean'],
    });
  });

  it('refuses two things under one name', () => {
    expect(refusal(() => registry(node('a', '1'), node('a', '1')))).to.deep.equal({
      code: 'DUPLICATE_DEFINITION',
      at: 'a@1',
      message: 'There is a node definition "a@1" already. Give each its own name or version.',
    });
    for (const pair of [
      [node('a'), node('a', '1')],
      [node('a', '1'), node('a')],
    ] as const) {
      expect(refusal(() => registry(...pair)).message).to.equal(
        'The node definition "a" is registered both with and without a version. Give each its own name or version.',
      );
    }
    const schemas = new NodeRegistry().registerSchema('s', type());
    expect(refusal(() => schemas.registerSchema('s', type())).code).to.equal('DUPLICATE_DEFINITION');
  });

  it('says what was probably meant by a name or version that it does not have', () => {
    const known = registry(node('clean', '1'), node('clean', '2'));
    expect(refusal(() => known.get('claen'))).to.deep.equal({
      code: 'UNKNOWN_DEFINITION',
      at: 'claen',
      message: 'No node definition "claen" is registered. Did you mean "clean"? Correct it or register the thing.',
    });
    expect(refusal(() => known.get('clean', '3')).message).to.equal(
      'No node definition "clean@3" is registered. Known versions: 1, 2. Correct it or register the thing.',
    );
    expect(refusal(() => known.predicate('x')).message).to.contain('No predicate "x" is registered. There are none.');
    expect(refusal(() => known.schema('x')).message).to.contain('No schema "x" is registered.');
  });

  it('finds a workflow by its name and the version under which it was registered', () => {
    const [old, recent] = [oneNode('clean'), oneNode('clean')];
    const known = new NodeRegistry().registerWorkflow(recent, '1.10.0').registerWorkflow(old, '1.9.0');
    expect(known.workflow('clean')).to.equal(recent);
    expect(known.workflow('clean', '1.9.0')).to.equal(old);
    expect([recent, oneNode('clean')].map((each) => known.nameOfWorkflow(each))).to.deep.equal([
      'clean@1.10.0',
      undefined,
    ]);
    expect(refusal(() => known.register(old)).message).to.equal(
      'The workflow "clean" is registered both with and without a version. Give each its own name or version.',
    );
    expect(refusal(() => known.workflow('claen')).message).to.contain(
      'No workflow "claen" is registered. Did you mean',
    );
    for (const [thing, version] of [
      [{}, '1'],
      [old, ''],
    ] as const)
      expect(refusal(() => known.registerWorkflow(thing as never, version)).code).to.equal('INVALID_DEFINITION');
  });

  it('refuses what is neither definition nor predicate nor workflow', () => {
    for (const thing of [() => true, {}, null])
      expect(refusal(() => registry(thing as never)).code).to.equal('INVALID_DEFINITION');
    expect(refusal(() => new NodeRegistry().registerSchema('s', {} as never)).code).to.equal('INVALID_DEFINITION');
    expect(refusal(() => new NodeRegistry().registerSchema('1s', type())).code).to.equal('INVALID_NAME');
  });
});

describe('definePredicate', () => {
  it('refuses what cannot be named', () => {
    const test = (): boolean => true;
    expect(refusal(() => definePredicate({ name: '1', version: '1', test })).code).to.equal('INVALID_NAME');
    expect(refusal(() => definePredicate({ name: 'a', version: '', test })).code).to.equal('INVALID_DEFINITION');
    expect(refusal(() => definePredicate({ name: 'a', version: '1', test: 1 as never })).code).to.equal(
      'INVALID_DEFINITION',
    );
    expect(refusal(() => definePredicate({ name: 'a', version: '1', tst: test } as never)).code).to.equal(
      'UNKNOWN_OPTION',
    );
  });
});
