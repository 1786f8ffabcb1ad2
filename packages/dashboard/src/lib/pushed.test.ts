import { expect, it } from 'vitest';
import { heard } from './pushed.ts';

const ORIGIN = 'https://holdfast.example.com';
const said = (more: object): string =>
  JSON.stringify({ title: 'a hold', body: 'target: main-db', tag: 'abc', ...more });

it('takes the words, the tag and the place', () => {
  expect(heard(said({ url: `${ORIGIN}/holds/hold_1?x=1#y` }), ORIGIN)).toEqual({
    title: 'a hold',
    body: 'target: main-db',
    tag: 'abc',
    place: '/holds/hold_1?x=1#y',
  });
});

it.each([
  ['another origin', 'https://evil.example/holds/hold_1'],
  ['a port of its own', `${ORIGIN}:8443/holds`],
  ['another scheme of the same host', 'http://holdfast.example.com/holds'],
  ['a host that begins like ours', 'https://holdfast.example.com.evil.example/'],
  ['ours as the name of a user', 'https://holdfast.example.com@evil.example/'],
  ['no scheme', '//evil.example/holds'],
  ['backslashes', '/\\\\evil.example/holds'],
  ['two slashes behind ours', `${ORIGIN}//evil.example/holds`],
  ['a script', 'javascript:alert(1)'],
  ['data', 'data:text/html,<script>alert(1)</script>'],
  ['a blob of ours', `blob:${ORIGIN}/0f`],
  ['no text', 7],
  ['nothing', undefined],
])('leads home instead of to %s', (_story, url) => {
  expect(heard(said({ url }), ORIGIN).place).toBe('/');
});

it.each([
  ['no JSON', 'hello'],
  ['nothing', ''],
  ['a list', '[]'],
  ['null', 'null'],
  ['other kinds of values', '{"title":7,"body":{"a":1},"tag":[]}'],
])('says that there was something, of %s', (_story, message) => {
  expect(heard(message, ORIGIN)).toEqual({
    title: 'Holdfast has something for you',
    body: '',
    tag: 'holdfast',
    place: '/',
  });
});

it('shows no letter that hides or turns others, and not more than fits', () => {
  const { body, title } = heard(
    said({ title: 'drop\u202etable\u200b\u0000', body: `a\r\nb\u2028c\ufeff${'x'.repeat(9_000)}` }),
    ORIGIN,
  );
  expect(title).toBe('droptable');
  expect(body.startsWith('a\nb\ncx')).toBe(true);
  expect(body).toHaveLength(2_000);
});
