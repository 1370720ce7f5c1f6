/** Countries and lengths of their IBANs (ISO 13616, IBAN registry of SWIFT). */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 ' +
    'FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 ' +
    'LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 ' +
    'SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const CARD_LENGTHS: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^3[47]/, [15]],
  [/^3(?:0[0-59]|[689])/, [14, 16, 19]],
  [/^4/, [13, 16, 19]],
  [/^(?:35|5|2|6)/, [16, 19]],
];

/** Whether the digits of a card number give the check sum 0 (Luhn, ISO/IEC 7812-1). */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Whether an IBAN without spaces leaves the remainder 1 (ISO 7064, MOD 97-10). */
export function mod97(iban: string): boolean {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/**
 * The text without its separators, up to each separator and in full: what follows a number may look like more of it.
 */
function* leading(found: string, separator: RegExp): Generator<string> {
  let compact = '';
  for (const group of found.split(separator)) {
    compact += group;
    yield compact;
  }
}

/** Whether a text of digits, spaces and hyphens starts with the number of a payment card. */
export function isCardNumber(found: string): boolean {
  const lengths = CARD_LENGTHS.find(([prefix]) => prefix.test(found))?.[1] ?? [];
  for (const digits of leading(found, /[ -]/)) if (lengths.includes(digits.length) && luhn(digits)) return true;
  return false;
}

/** Whether a text of capitals, digits and spaces starts with an IBAN. */
export function isIban(found: string): boolean {
  const length = IBAN_LENGTHS.get(found.slice(0, 2));
  for (const iban of leading(found, / /)) if (iban.length === length && mod97(iban)) return true;
  return false;
}
