/** What a query string may hold, and the links that are made from it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { linkTo, type PageQuery, readPageQuery, timeParameter } from '../../functions/explorer/html/page-query.ts';

const now = Date.parse('2026-11-26T12:00:00Z') * 1_000;
const hour = 3_600_000_000;
const known = ['ns', 'kind', 'q', 'by', 'failed', 'deleted', 'from', 'to', 'tz', 'before', 'outcome'];

function read(search: string): PageQuery {
  const result = readPageQuery('/changes', search, known, now);
  return result.ok ? result.value : assert.fail(result.reason);
}

function reasonOf(search: string): string {
  const result = readPageQuery('/changes', search, known, now);
  return result.ok ? assert.fail(`taken: ${search}`) : result.reason;
}

describe('readPageQuery', () => {
  it('shows the last day where no range is given', () => {
    assert.deepEqual(read('').range, { from: now - 24 * hour, to: now });
    assert.equal(read('').isRelative, true);
  });

  it('takes ranges before now and exact ones', () => {
    assert.deepEqual(read('from=-90m').range, { from: now - 1.5 * hour, to: now });
    assert.deepEqual(read('from=2026-11-20T10:00:00Z&to=2026-11-20T11:00:00.5Z').range, {
      from: Date.parse('2026-11-20T10:00:00Z') * 1_000,
      to: Date.parse('2026-11-20T11:00:00.5Z') * 1_000,
    });
    assert.equal(read('from=2026-11-20T10:00:00Z').isRelative, false);
  });

  it('reads filters from parameters and from words of the search', () => {
    const { filter } = read('ns=shop&ns=-&q=kind:Pod by:flux no space left');
    assert.deepEqual(filter, { namespaces: ['shop', ''], kinds: ['Pod'], actors: ['flux'], search: 'no space left' });
    assert.deepEqual(read('failed=1').filter.outcomes, ['failed', 'failing']);
  });

  it('refuses with a sentence what cannot be', () => {
    assert.equal(reasonOf('color=red'), `Cannot use parameter 'color': this page knows ${known.join(', ')}`);
    assert.match(reasonOf('from=yesterday'), /^Cannot use from 'yesterday': wanted a time such as/);
    assert.match(reasonOf('from=-1h&to=-2h'), /before it begins/);
    assert.match(reasonOf('from=-9999d'), /longer than a year/);
    assert.match(reasonOf('to=2027-11-26T12:00:00Z'), /lies ahead/);
    assert.match(reasonOf('tz=Mars/Olympus'), /^Cannot use time zone 'Mars\/Olympus'/);
    assert.match(reasonOf(`q=${'x'.repeat(501)}`), /has 501 characters, wanted at most 500/);
    assert.match(reasonOf('failed=yes'), /wanted 1 or 0/);
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.webQueryParameters(),
        fc.string(),
        (search, tz) => void readPageQuery('/changes', `${search}&tz=${encodeURIComponent(tz)}`, known, now),
      ),
    );
  });
});

describe('linkTo', () => {
  it('changes what is asked for, keeps the rest, and begins again at the first rows', () => {
    const query = read('ns=a&ns=b&q=x&before=1.2');
    assert.equal(linkTo(query, { q: null, kind: 'Pod' }), '/changes?ns=a&ns=b&kind=Pod');
    assert.equal(linkTo(query, { ns: null, q: null }), '/changes');
  });

  it('leads to a page that reads as what was asked for', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (ns) => {
        const link = linkTo(read(''), { ns });
        assert.deepEqual(read(link.split('?')[1] ?? '').filter.namespaces, [ns === '-' ? '' : new URLSearchParams({ ns }).get('ns')]);
      }),
    );
  });
});

describe('timeParameter', () => {
  it('is as short as it can be and exact', () => {
    assert.equal(timeParameter(now), '2026-11-26T12:00:00Z');
    assert.equal(timeParameter(now + 1_500_000), '2026-11-26T12:00:01.5Z');
    assert.equal(timeParameter(now + 10_000_001), '2026-11-26T12:00:10.000001Z');
  });
});
