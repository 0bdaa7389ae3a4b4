/** The template: what it escapes, which addresses it passes, and that all sources use it as it must be used. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { html, link } from '../../functions/explorer/html/html.ts';
import { hostileTexts } from '../helpers/hostile.ts';

const folder = fileURLToPath(new URL('../../functions/explorer/', import.meta.url));

describe('html', () => {
  it('escapes text, keeps templates and lists, and leaves out what is not there', () => {
    const item = html`<i>${'<&>"\''}</i>`;
    assert.equal(html`${[item, item]}${null}${undefined}${false}${0}`.text, `${item.text}${item.text}0`);
    assert.equal(item.text, '<i>&lt;&amp;&gt;&quot;&#39;</i>');
  });

  it('lets no text become markup or leave its attribute', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hostileTexts)), (text) => {
        const { text: inside } = html`${text}`;
        assert.doesNotMatch(inside, /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
        assert.doesNotMatch(inside, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });
});

describe('link', () => {
  it('passes paths of this server and web addresses', () => {
    for (const url of ['/', '/changes?q=%22&ns=a', '?from=-1h', 'https://jaeger.example/trace/1', 'http://[::1]:16686/'])
      assert.equal(link(url).text, url.replaceAll('&', '&amp;'));
  });

  it('passes nothing that runs or leads elsewhere by itself', () => {
    const urls = [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'JaVaScRiPt:x',
      'data:text/html,x',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      'https://',
      '',
    ];
    for (const url of urls) assert.equal(link(url).text, '#', url);
  });

  it('never breaks out of an attribute', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.doesNotMatch(link(`/${text}`).text, /["'<>]/)));
  });
});

describe('sources of the pages', () => {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.d.ts'),
  );

  it('quote each attribute, pass addresses through link, and use neither inline styles nor inline scripts', () => {
    assert.ok(sources.length > 10);
    for (const name of sources) {
      const text = readFileSync(join(folder, name), 'utf8');
      const markup = [...text.matchAll(/html`/g)].length > 0 ? text : '';
      assert.doesNotMatch(markup, /<[a-z][^>`]*\s[a-z-]+=\$\{/, name);
      assert.doesNotMatch(markup, /\s(?:href|src|action)="\$\{(?!link\()/, name);
      assert.doesNotMatch(markup, /<[a-z][^>`]*\s(?:style|on[a-z]+)=/, name);
    }
  });
});
