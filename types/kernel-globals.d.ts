/**
 * The few globals beyond ECMAScript that the kernel (src/base and src/mixins) may use. They exist in Node, in browsers and
 * in other engines' sandboxes. `tsconfig.kernel.json` checks the kernel against this file alone, without the types of Node
 * or of a browser: timers, console, process and fetch do not compile there.
 */

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

declare const AbortSignal: { readonly prototype: AbortSignal; new (): AbortSignal };

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare const AbortController: { readonly prototype: AbortController; new (): AbortController };

declare function structuredClone<T>(value: T): T;
