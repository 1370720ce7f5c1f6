import { PLACEHOLDERS, rules } from './policy-rule.js';

const SECRET_NAME =
  '(?:password|passwd|passphrase|api[_-]?key|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|(?:access|auth|refresh)[_-]?token)';

/** Rules of the policy `no-credentials`. */
export const credentialRules = rules(
  {
    name: 'aws-access-key',
    finds: 'id of an AWS access key',
    pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/,
    example: 'AKIAIOSFODNN7EXAMPLE',
    nearMiss: 'AKIAIOSFODNN7EXAM',
  },
  {
    name: 'aws-secret-key',
    finds: 'AWS secret access key with its name',
    pattern: /aws_?secret_?(?:access_?)?key["']?\s{0,4}[:=]\s{0,4}["']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/i,
    example: `aws_secret_access_key: ${'A'.repeat(40)}`,
    nearMiss: 'aws_secret_access_key: see the vault',
  },
  {
    name: 'github-token',
    finds: 'GitHub token',
    pattern: /(?<![A-Za-z0-9_])(?:gh[opsur]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22})/,
    example: `ghp_${'0'.repeat(36)}`,
    nearMiss: 'ghp_is_a_prefix',
  },
  {
    name: 'gitlab-token',
    finds: 'GitLab token',
    pattern: /(?<![A-Za-z0-9_-])gl(?:pat|dt|rt|ptt|oas|cbt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20}/,
    example: `glpat-${'0'.repeat(20)}`,
    nearMiss: 'glpat-short',
  },
  {
    name: 'slack-token',
    finds: 'Slack token or webhook',
    pattern:
      /(?<![A-Za-z0-9_-])(?:xox[abceoprs]|xapp)-[A-Za-z0-9-]{10}|hooks\.slack\.com\/services\/T[A-Z0-9]{6,16}\/B[A-Z0-9]{6,16}\/[A-Za-z0-9]{16}/,
    example: `xoxb-${'0'.repeat(12)}`,
    nearMiss: 'xoxb-token',
  },
  {
    name: 'stripe-key',
    finds: 'secret or restricted Stripe key, Stripe webhook secret',
    pattern: /(?<![A-Za-z0-9_])(?:(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16}|whsec_[A-Za-z0-9+/]{24})/,
    example: `sk_test_${'0'.repeat(24)}`,
    nearMiss: `pk_test_${'0'.repeat(24)}`,
  },
  {
    name: 'google-key',
    finds: 'Google API key, OAuth token or client secret',
    pattern: /(?<![A-Za-z0-9_-])(?:AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20}|GOCSPX-[A-Za-z0-9_-]{28})/,
    example: `AIza${'0'.repeat(35)}`,
    nearMiss: 'AIza, the prefix of such keys',
  },
  {
    name: 'private-key',
    finds: 'header of a private key in PEM',
    pattern: /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/,
    example: '-----BEGIN PRIVATE KEY-----',
    nearMiss: '-----BEGIN PUBLIC KEY-----',
  },
  {
    name: 'json-web-token',
    finds: 'JSON Web Token',
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*/,
    example: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl',
    nearMiss: 'eyJhbGciOiJub25lIn0.payload.signature',
  },
  {
    name: 'password',
    finds: 'password, API key or client secret with its name, as `name=value` or as a property',
    pattern: new RegExp(
      `${SECRET_NAME}(?:["']\\s{0,8}:\\s{0,8}["'](?!["']|${PLACEHOLDERS})|["']?\\s{0,8}=(?!=)\\s{0,8}["']?(?![\\s"'&;,=]|${PLACEHOLDERS}|$))`,
      'i',
    ),
    property: new RegExp(`${SECRET_NAME}$`, 'i'),
    example: 'host=db password=open-sesame',
    nearMiss: 'host=db password=',
  },
  {
    name: 'authorization-header',
    finds: 'bearer or basic authorization',
    pattern: new RegExp(
      String.raw`authorization["']?\s{0,8}[:=]\s{0,8}["']?(?:bearer|basic)\s{1,8}(?!${PLACEHOLDERS})[\w.~+/=-]{6}` +
        String.raw`|(?<![\w-])(?:bearer|basic)\s{1,8}(?=[\w.~+/-]{0,256}\d)[\w.~+/-]{16}`,
      'i',
    ),
    property: /^(?:proxy-?)?authorization$/i,
    example: 'Authorization: Basic b3BlbjpzZXNhbWU=',
    nearMiss: 'Authorization: Bearer <token>',
  },
  {
    name: 'connection-string',
    finds: 'address with a user and a password, ADO connection string with a password',
    pattern: new RegExp(
      String.raw`(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,32}:\/\/[^\s:/?#@]{0,128}:(?!(?:${PLACEHOLDERS})[^\s/?#@]{0,64}@)[^\s/?#@]{1,256}@[^\s@]` +
        String.raw`|(?:user id|uid|data source|server)=[^;]{1,256};(?:[^;=]{1,64}=[^;]{0,256};){0,8}\s{0,4}(?:pwd|password)=(?!${PLACEHOLDERS})[^;\s]`,
      'i',
    ),
    example: 'postgres://app:open-sesame@db.example/main',
    nearMiss: 'postgres://app@db.example:5432/main',
  },
);
