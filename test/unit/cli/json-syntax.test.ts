import { expect } from 'chai';
import { badOffset } from '../../../src/cli/json-syntax.js';
import { jsonText, parseJson } from '../../../src/cli/json-text.js';

describe('badOffset', () => {
  const texts: readonly (readonly [string, number])[] = [
    ['{"a": [1, -2.5e3, true, null, "x\\u00e9\\n"], "b": {}} ', 53],
    ['', 0],
    ['{"a": }', 6],
    ['{"a" 1}', 5],
    ['{a: 1}', 1],
    ['[1, 2', 5],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['"a\nb"', 0],
    ['[tru]', 1],
    ['1 2', 2],
    ['01', 1],
  ];
  for (const [text, offset] of texts)
    it(`is ${offset} for ${JSON.stringify(text)}`, () => {
      expect(badOffset(text)).to.equal(offset);
    });

  it('is the end of every text that JSON.parse accepts, and of those that end too early', () => {
    const accepts = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const whole = texts.filter(([text, offset]) => offset === text.length && text !== '' && text !== '[1, 2');
    expect(texts.filter(([text]) => accepts(text))).to.deep.equal(whole);
  });
});

describe('parseJson', () => {
  it('says line and column, or that the text ends too early', () => {
    const said = (text: string): string => {
      try {
        return String(parseJson(text, 'a.json'));
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(said('{\n  "a": }')).to.contain('a.json is no JSON: line 2, column 8: "}" is not expected.');
    expect(said('[1,\n')).to.contain('a.json is no JSON: line 2, column 1: it ends too early.');
    expect(parseJson('\uFEFF{"a": 1}', 'a.json')).to.deep.equal({ a: 1 });
  });
});

describe('jsonText', () => {
  it('writes what JSON has no form for', () => {
    const value = {
      a: 1n,
      b: Number.NaN,
      c: new Map([[1, 2]]),
      d: new Set([1]),
      e: new Uint8Array([255]),
      f: new Float64Array([0.5]),
    };
    expect(jsonText(value, 0)).to.equal('{"a":"1","b":"NaN","c":[[1,2]],"d":[1],"e":"/w==","f":[0.5]}');
    expect(jsonText(undefined)).to.equal('null');
  });

  it('writes a value twice that stands in two places, and marks one that contains itself', () => {
    const shared = { x: 1 };
    const circle: { shared: object; again: object; inner?: object } = { shared, again: shared };
    circle.inner = { circle };
    expect(jsonText(circle, 0)).to.equal('{"shared":{"x":1},"again":{"x":1},"inner":{"circle":"[Circular]"}}');
  });
});
