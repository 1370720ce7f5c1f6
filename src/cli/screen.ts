import { type Paint, paintFor } from './paint.js';

/** How much is said, and to whom. */
export interface ScreenOptions {
  /** One JSON document on stdout instead of text for people. */
  readonly json: boolean;
  /** Neither progress nor warnings. */
  readonly quiet: boolean;
}

/** Something that stands at the end of stderr and makes room while a line is written. */
export interface LivePart {
  hide(): void;
  show(): void;
}

/** Where the command writes: the result to stdout, everything else to stderr. */
export class Screen {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly out: Paint = paintFor(process.stdout);
  readonly err: Paint = paintFor(process.stderr);
  /** Whether stderr is a terminal on which lines can be replaced. */
  readonly isLive: boolean = process.stderr.isTTY === true && process.env.TERM !== 'dumb' && !process.env.CI;
  #live: LivePart | undefined;

  constructor({ json, quiet }: ScreenOptions) {
    this.json = json;
    this.quiet = quiet;
  }

  /** Writes a part of the result to stdout. */
  print(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** Says something beside the result, on stderr, unless it should be quiet. */
  note(text: string): void {
    if (!this.quiet) this.say(text);
  }

  /** Says something on stderr that cannot be left out. */
  say(text: string): void {
    this.#live?.hide();
    process.stderr.write(`${text}\n`);
    this.#live?.show();
  }

  /** Keeps a part at the end of stderr; `undefined` takes it away. */
  keep(live: LivePart | undefined): void {
    this.#live?.hide();
    this.#live = live;
  }
}
