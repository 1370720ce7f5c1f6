import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { repository } from '../support/packed-project.js';

const pages = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name));

describe('The pages of docs', () => {
  for (const page of [...pages, 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']) {
    it(`${page} links to files and headings that exist`, () => {
      const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)];

      const broken = links.filter(([, file = '', anchor = '']) => {
        const target = file === '' ? page : join(dirname(page), file);
        if (!existsSync(join(repository, target))) return true;
        return anchor !== '' && !anchorsOf(target).has(anchor);
      });

      expect(broken.map(([link]) => link)).to.deep.equal([]);
    });
  }
});

/** A page without its programs and the code in its sentences. */
function textOf(page: string): string {
  return readFileSync(join(repository, page), 'utf8')
    .replace(/^```.*?^```$/gms, '')
    .replace(/`[^`\n]*`/g, '');
}

/** What the headings of a page are linked by; the second of two with one name is numbered. */
function anchorsOf(page: string): ReadonlySet<string> {
  const counts = new Map<string, number>();
  const text = readFileSync(join(repository, page), 'utf8').replace(/^```.*?^```$/gms, '');
  const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-');
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
  return new Set(anchors);
}
