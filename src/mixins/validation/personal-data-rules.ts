import { isCardNumber, isIban } from './check-digits.js';
import { rules } from './policy-rule.js';

/** Rules of the policy `no-pii`. */
export const personalDataRules = rules(
  {
    name: 'e-mail',
    finds: 'e-mail address',
    pattern:
      /(?<![\p{L}\p{N}_.%+-])(?!git@)[\p{L}\p{N}_.%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}_-])/u,
    example: 'write to ada@example.org',
    nearMiss: 'npm install react@18.2.0 @types/node',
  },
  {
    name: 'phone',
    finds: 'telephone number in international form',
    pattern: /(?<![\w+.])\+[1-9](?:[ ().-]{0,2}\d){6,14}(?!\d)/,
    example: '+44 20 7946 0958',
    nearMiss: '+1 234 points',
  },
  {
    name: 'card-number',
    finds: 'number of a payment card, by issuer, length and check digit (Luhn)',
    pattern: /(?<![\w.])(?:4|5[1-5]|2[2-7]|3[04-9]|6[045])\d(?:[ -]?\d){10,17}(?!\d)/,
    verify: isCardNumber,
    example: '4111 1111 1111 1111',
    nearMiss: '4111 1111 1111 1112',
  },
  {
    name: 'iban',
    finds: 'IBAN, by country, length and check digits (mod 97)',
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])/,
    verify: isIban,
    example: 'DE89 3704 0044 0532 0130 00',
    nearMiss: 'DE88 3704 0044 0532 0130 00',
  },
  {
    name: 'us-ssn',
    finds: 'US social security number',
    pattern: /(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/,
    example: '123-45-6789',
    nearMiss: '000-45-6789',
  },
);
