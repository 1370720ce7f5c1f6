import { formsOf } from '../secret-mask.js';
import type { BytesPort } from './bytes.js';

/** Bytes as the value codec writes them: `{"$":"buffer","v":"aGk="}`. In the text of a string, quotes are escaped. */
const BYTES = /"\$":"\w+","v":"(?<base64>[A-Za-z0-9+/]+)/g;
/** Secrets of fewer bytes are not looked for among bytes: they occur there by chance. */
const LEAST_BYTES = 6;

/** What base64 shows of some bytes, whatever stands around them. */
interface Needle {
  readonly text: string;
  /** Its place in a group of four characters. */
  readonly place: number;
}

/** The bytes of a text in UTF-8; none where it has half of a surrogate pair, which has none. */
function utf8(text: string): Uint8Array {
  let escaped: string;
  try {
    escaped = encodeURIComponent(text);
  } catch {
    return new Uint8Array(0);
  }
  const codes = escaped.match(/%..|[^%]/g) ?? [];
  return Uint8Array.from(codes, (code) =>
    code.length === 3 ? Number.parseInt(code.slice(1), 16) : code.charCodeAt(0),
  );
}

/** Base64 writes three bytes as four characters, so that the same bytes look in one of three ways, as what stands before them. */
function needlesOf(secret: string, { toBase64 }: BytesPort): readonly Needle[] {
  const bytes = utf8(secret);
  if (bytes.length < LEAST_BYTES) return [];
  return [0, 1, 2].map((before) => {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const place = before === 0 ? 0 : before + 1; // a character that holds bits of what stands before is left out
    return { text: toBase64(padded).slice(place, Math.floor((padded.length * 8) / 6)), place };
  });
}

function holds(base64: string, { text, place }: Needle): boolean {
  let at = base64.indexOf(text);
  while (at !== -1 && at % 4 !== place) at = base64.indexOf(text, at + 1);
  return at !== -1;
}

/**
 * Whether a text that the value codec wrote holds a secret: in a string, which is escaped there as JSON escapes it, also where that
 * string is JSON itself, or in UTF-8 among bytes.
 */
export function holdsSecret(text: string, secret: string, bytes: BytesPort): boolean {
  if (formsOf(secret).some((form) => text.includes(JSON.stringify(form).slice(1, -1)))) return true;
  if (!text.includes('"$":')) return false;
  const needles = needlesOf(secret, bytes);
  if (needles.length === 0) return false;
  for (const { groups } of text.matchAll(BYTES))
    if (needles.some((needle) => holds(groups?.base64 ?? '', needle))) return true;
  return false;
}
