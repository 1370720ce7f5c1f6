/** The variable that every worker has, and all that it starts: by it, what is left of a worker is known. */
export const MARKER_VARIABLE = 'LOCKSTEP_WORKER';

/** What workers are given of the variables of this process. Others may hold secrets, or, as PYTHONPATH, change what Python is. */
const GIVEN = /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|CUDA_\w+|NVIDIA_\w+|ROCR_\w+|HIP_\w+)$/;

/** The variables of a worker: a few of this process, those of the options, and its marker. Its output is not held back. */
export function workerVariables(
  ours: Readonly<NodeJS.ProcessEnv>,
  added: Readonly<Record<string, string>>,
  marker: string,
): NodeJS.ProcessEnv {
  const given = Object.entries(ours).filter(([name]) => GIVEN.test(name));
  return { ...Object.fromEntries(given), PYTHONUNBUFFERED: '1', ...added, [MARKER_VARIABLE]: marker };
}
