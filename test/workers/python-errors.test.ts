import { expect } from 'chai';
import { PythonError } from '../../src/plugins/python/python-error.js';
import { rejection } from '../support/caught.js';
import { TestWorker } from '../support/python-worker.js';

describe('What a tool raises', function () {
  this.timeout(60_000);
  let host: TestWorker;
  before(async () => {
    host = await TestWorker.start();
  });
  after(() => host.remove());

  const raised = async (call: Promise<unknown>): Promise<PythonError> => {
    const error = await rejection(call);
    expect(error).to.be.instanceOf(PythonError);
    return error as PythonError;
  };

  it('comes with its class, its text and its traceback', async () => {
    const error = await raised(host.call('fail', { message: 'bad rows' }));
    expect(error).to.include({ code: 'PYTHON_RAISED', type: 'ValueError', reason: 'bad rows', name: 'PythonError' });
    expect(error.message).to.match(/^ValueError: bad rows\. /);
    expect(error.traceback).to.match(/^Traceback [\s\S]*wire_tools\.py[\s\S]*raise ValueError\(message\)/);
    expect(error.traceback).to.not.include('lockstep_worker');
    expect(error.cause).to.equal(undefined);
  });

  it('comes with its code, and with what it was raised from', async () => {
    const error = await raised(host.call('fail_because'));
    expect(error).to.include({ type: 'wire_tools.TeapotError', reason: 'no tea' });
    expect(error.details).to.deep.equal({ code: 'TEAPOT' });
    expect(error.cause).to.be.instanceOf(PythonError);
    expect(error.cause).to.include({ type: 'KeyError', reason: "'key'" });
    expect(await raised(host.call('fail_later'))).to.include({ reason: 'short and stout' });
  });

  it('in a generator comes as the end of its items', async () => {
    const stream = host.worker.executeStream('wire_tools:count_then_fail', { upto: 0 });
    expect(await raised(stream.next())).to.include({ reason: 'no more' });
  });

  it('at the import of its module is the cause', async () => {
    for (let time = 0; time < 2; time++) {
      const error = await rejection(host.worker.execute('broken_tools:any'));
      expect(error.code).to.equal('PYTHON_IMPORT_FAILED');
      expect(error.cause).to.include({ type: 'RuntimeError', reason: 'cannot be imported' });
    }
  });

  for (const [command, args, code] of [
    ['no_such_module:tool', {}, 'PYTHON_MODULE_MISSING'],
    ['wire_tools:await_file', {}, 'TOOL_UNDECLARED'],
    ['wire_tools:sameish', {}, 'TOOL_UNDECLARED'],
    ['wire_tools:fail', { massage: 'x' }, 'PYTHON_ARGUMENTS'],
    ['wire_tools:unwritable', {}, 'VALUE_NOT_ENCODABLE'],
  ] as const)
    it(`is told from why ${command} was not performed: ${code}`, async () => {
      const error = await rejection(host.worker.execute(command, args));
      expect(error.code).to.equal(code);
      expect(error).to.not.be.instanceOf(PythonError);
    });

  it('is told from what cannot be passed to it', async () => {
    const error = await rejection(host.call('same', { value: { rows: [1, () => 2] } }));
    expect(error).to.include({ code: 'VALUE_NOT_ENCODABLE', at: 'arguments.value.rows[1]' });
  });
});
