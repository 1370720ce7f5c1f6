/**
 * What may stand where a secret was or will be: `***`, `<password>`, `${PASSWORD}`, `{{ password }}`, `[secret]`,
 * `null`.
 */
export const PLACEHOLDERS = String.raw`\*{3}|<[^<>]{1,64}>|\$\{|\{\{|\[[a-z]{1,16}\]|(?:true|false|null|none|undefined)(?=["'&;,\s]|$)`;
const PLACEHOLDER = new RegExp(`^\\s{0,64}(?:(?:bearer|basic)\\s{1,8})?(?:${PLACEHOLDERS})`, 'i');

/** What a rule says. */
export interface PolicyRuleParts {
  /** Kebab case, unique within its policy. */
  readonly name: string;
  /** What it finds, in a few words. */
  readonly finds: string;
  /**
   * What it looks like. Takes time linear in the length of any text: repetitions are bounded, or can start only once in
   * a run of the characters that they repeat.
   */
  readonly pattern: RegExp;
  /** Names of properties that may hold no text but a placeholder. */
  readonly property?: RegExp;
  /** What a regular expression cannot say: check digits. Given what the pattern found. */
  readonly verify?: (found: string) => boolean;
  /** A text that breaks the rule. Made up. */
  readonly example: string;
  /** A text that resembles the example and is allowed. */
  readonly nearMiss: string;
}

/** One thing that a policy forbids. */
export class PolicyRule {
  readonly name: string;
  readonly finds: string;
  readonly pattern: RegExp;
  readonly example: string;
  readonly nearMiss: string;
  readonly #scanner: RegExp;
  readonly #property: RegExp | undefined;
  readonly #verify: PolicyRuleParts['verify'];

  constructor(parts: PolicyRuleParts) {
    this.name = parts.name;
    this.finds = parts.finds;
    this.pattern = parts.pattern;
    this.example = parts.example;
    this.nearMiss = parts.nearMiss;
    this.#scanner = new RegExp(parts.pattern.source, `${parts.pattern.flags}g`);
    this.#property = parts.property;
    this.#verify = parts.verify;
  }

  /** Whether a text breaks the rule. */
  hits(text: string): boolean {
    const verify = this.#verify;
    if (verify === undefined) return this.pattern.test(text);
    const scanner = this.#scanner;
    scanner.lastIndex = 0;
    for (let found = scanner.exec(text); found !== null; found = scanner.exec(text)) {
      if (verify(found[0])) return true;
      scanner.lastIndex = found.index + 1;
    }
    return false;
  }

  /** Whether a property breaks the rule by its name and by having a text that is no placeholder. */
  hitsProperty(name: string, text: string): boolean {
    return this.#property?.test(name) === true && text.trim() !== '' && !PLACEHOLDER.test(text);
  }
}

/** A part of the table of rules. */
export function rules(...list: readonly PolicyRuleParts[]): readonly PolicyRule[] {
  return Object.freeze(list.map((parts) => new PolicyRule(parts)));
}
