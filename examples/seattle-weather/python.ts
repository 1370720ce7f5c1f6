import { type } from 'lockstep';
import { type PythonWorkersOptions, pythonNode, pythonWorkers } from 'lockstep/python';
import { z } from 'zod';
import type { Examples } from './model.js';

/** Fits the same model by Newton's method, in Python, with numpy. */
export const newton = pythonNode({
  module: 'forecast',
  function: 'newton',
  version: '1',
  inputs: { train: type<Examples>() },
  outputs: { weights: z.array(z.number()).readonly(), loss: z.number(), steps: z.number().int() },
});

/** Where Python is looked for: the first run makes an environment with what is required, unless this project has one. */
const python: PythonWorkersOptions = {
  environment: { requirements: ['numpy'] },
  paths: [new URL('./python/', import.meta.url)],
};

/** The requirements of the Python environment, for whoever makes it. */
export const { environment } = python;

/** The plugin that performs Python nodes. */
export const workers = () => pythonWorkers(python);
