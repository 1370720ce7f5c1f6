import type { AttemptError } from '../../base/errors.js';

/** What is wrong with a schema that could not be asked, in words that go on a message. */
export function schemaFault({ code }: Pick<AttemptError, 'code'>): string {
  return code === 'SCHEMA_ASYNC' ? 'its schema validates asynchronously' : 'its schema threw';
}
