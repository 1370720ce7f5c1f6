import { LockstepError } from '../../src/base/errors.js';

/** What a call throws, which must be an error of ours. */
export function caught(call: () => unknown): LockstepError {
  try {
    call();
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

/** What a promise is rejected with, which must be an error of ours. */
export async function rejection(promise: Promise<unknown>): Promise<LockstepError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('The promise was kept.');
}

/** Code, place and message of what a call throws: what a user reads. */
export function refusal(call: () => unknown): { readonly code: string; readonly at: string; readonly message: string } {
  const { code, at, message } = caught(call);
  return { code, at, message };
}
