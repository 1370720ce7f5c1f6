/**
 * Root hooks of mocha under Stryker, which runs one mutant after the other in one process and stops at the first failed
 * test. Neighbouring mutants tend to fall to the same test, so the test that killed last comes first. A test that hangs
 * fails by itself after a while, where Stryker would only notice once all tests should long have been over. On a busy
 * machine a slow test needs more than the two seconds: LOCKSTEP_TEST_MS says how many milliseconds it gets.
 */
const TEST_TIMEOUT_MS = Number(process.env.LOCKSTEP_TEST_MS ?? 2_000);

/** The last test that failed. */
let killer;

export const mochaHooks = {
  beforeAll() {
    for (let one = killer; one?.parent; one = one.parent) {
      moveToFront(one.type === 'test' ? one.parent.tests : one.parent.suites, one);
    }
    killer = undefined;
  },
  beforeEach() {
    this.currentTest.timeout(TEST_TIMEOUT_MS);
  },
  afterEach() {
    if (this.currentTest.state === 'failed') killer = this.currentTest;
  },
};

function moveToFront(list, item) {
  list.splice(list.indexOf(item), 1);
  list.unshift(item);
}
