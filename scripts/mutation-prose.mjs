/**
 * Keeps Stryker from emptying sentences. A literal in which a letter stands next to a blank is read by people: names,
 * kinds, codes and paths hold no blank. Tests hold messages by their code and by the names inside; a test of the wording
 * of each would break with every improvement of it. A template that computes something in a hole is still mutated.
 */
const PROSE = /[a-z] | [a-z]/i;
const PLAIN = new Set(['Identifier', 'MemberExpression', 'ThisExpression']);

/** Called by Stryker for every node of a syntax tree; an answer is the reason for not mutating the node. */
function shouldIgnore({ node }) {
  return isProse(node) ? 'a sentence for people' : undefined;
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'prose', value: { shouldIgnore } }];

function isProse(node) {
  if (node.type === 'StringLiteral') return PROSE.test(node.value);
  if (node.type !== 'TemplateLiteral') return false;
  return (
    node.quasis.some(({ value }) => PROSE.test(value.raw)) && node.expressions.every(({ type }) => PLAIN.has(type))
  );
}
