import { createSecretKey } from 'node:crypto';
import { Cookie } from '@sessile/core';
import { createId, eraseCookie, isSecure, readCookies, Signer, signerOf, writeCookie } from '@sessile/engine';
import { describe, expect, it } from 'vitest';
import { cookiesDiffer, dataPart, dataText, isForeign } from '../dist/changes.js';

describe('ids', () => {
  it('are 32 characters of base64url, none twice', () => {
    const ids = Array.from({ length: 1000 }, createId);
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[\w-]{32}$/);
  });
});

describe('signing', () => {
  it('the first secret signs, all verify, and it is told which did', () => {
    const old = new Signer(['old']).sign('id');
    const signer = new Signer(['new', 'old']);
    expect(signer.verify(old)).toEqual({ id: 'id', isNewest: false });
    expect(signer.verify(signer.sign('id'))).toEqual({ id: 'id', isNewest: true });
    expect(signer.verify(old)).toEqual({ id: 'id', isNewest: false });
    expect(new Signer(['other']).verify(old)).toBeUndefined();
  });

  it('texts, bytes and keys sign alike', () => {
    const signed = new Signer(['x']).sign('id');
    for (const secret of [Buffer.from('x'), new Uint8Array([120]), createSecretKey(Buffer.from('x'))]) {
      expect(new Signer([secret]).sign('id')).toBe(signed);
    }
  });

  it('remembers good signatures, of which it keeps so many, and no bad ones', () => {
    const signer = new Signer(['x']);
    const signed = Array.from({ length: 6000 }, (_, n) => signer.sign(`id ${n}`));
    for (const [n, one] of signed.entries()) expect(signer.verify(one)?.id).toBe(`id ${n}`);
    for (const [n, one] of signed.entries()) expect(signer.verify(one)?.id).toBe(`id ${n}`);
    for (const one of signed.slice(0, 10)) expect(signer.verify(`${one}x`)).toBeUndefined();
  });

  it('a secret that a function of the request gives again has the signer that it had', () => {
    expect(signerOf('a secret')).toBe(signerOf('a secret'));
  });
});

describe('cookies', () => {
  it('reads every value of a name, and of no other', () => {
    const header = 'a=1; sid=one; xsid=no; sid="two"; b=sid=no; sid=%74hree;sid=four';
    expect(readCookies(header, 'sid')).toEqual(['one', 'two', 'three', 'four']);
    expect(readCookies(undefined, 'sid')).toEqual([]);
    expect(readCookies('__proto__=x', 'toString')).toEqual([]);
  });

  it('writes and takes away with the same attributes', () => {
    const { data } = new Cookie({ domain: 'a.example', path: '/app', sameSite: 'lax', secure: true });
    const attributes = (line: string) =>
      line
        .split('; ')
        .slice(1)
        .filter((part) => !part.startsWith('Expires'));
    expect(attributes(eraseCookie('sid', data))).toEqual(attributes(writeCookie('sid', 'x', data)));
  });
});

describe('changes', () => {
  const data = { a: 1, b: ['ä', { cookie: 1 }], c: null };

  it('the data of a session are its text without the cookie', () => {
    expect(dataText({ cookie: new Cookie(), ...data })).toBe(JSON.stringify(data));
    expect(dataText({ cookie: new Cookie() })).toBe('{}');
    expect(dataText({ a: 1n })).toBeUndefined();
  });

  it('are found in a stored text without serializing it again', () => {
    for (const rest of [data, {}, { __proto__x: 1 }]) {
      const text = JSON.stringify({ cookie: new Cookie({ maxAge: 1000, path: '/}{,:' }), ...rest });
      expect(dataPart(text)).toBe(JSON.stringify(rest));
    }
  });

  it('are not guessed in a text of another form', () => {
    const others = [
      '{"a":1,"cookie":{"path":"/"}}',
      '{ "cookie": {"path":"/"}}',
      '{"cookie":{"path": "/"},"a":1}',
      '{"cookie":{"path":"/"}}x',
    ];
    const odd = [
      '{"cookie":{"path":{"a":"}"}},"a":1}',
      '{"cookie":{"path":"\\\\"}"},"a":1}',
      '{"cookie":null,"a":1}',
      '{"cookie":[{}],"a":1}',
    ];
    for (const text of [...others, ...odd]) expect(dataPart(text), text).toBeUndefined();
  });

  it('texts that JSON.stringify would write otherwise are known', () => {
    for (const text of ['{"a":"\\/"}', '{"a":"\\u00e4"}', '{"a":1.50}', '{"a":1.0}', '{"a":1e3}', '{"a":-0}', '{"b":1,"1":2}', '[1E5]']) {
      expect(JSON.stringify(JSON.parse(text)) === text, text).toBe(false);
      expect(isForeign(text), text).toBe(true);
    }
    for (const text of ['{"a":1.5,"b":[1,20,-3],"c":"x","d":"1.0 is text"}', '{"a":"\\n\\t"}', '{"a":0}'])
      expect(isForeign(text), text).toBe(false);
  });

  it('a cookie that only counted anew, or drifted by a millisecond, is the same', () => {
    const cookie = new Cookie({ maxAge: 1000 });
    const before = cookie.data;
    cookie.maxAge = 999;
    expect(cookiesDiffer(before, cookie)).toBe(false);
    cookie.maxAge = 5000;
    expect(cookiesDiffer(before, cookie)).toBe(true);
    expect(cookiesDiffer({ domain: undefined }, { domain: null })).toBe(false);
    expect(cookiesDiffer({ sameSite: 'lax' }, { sameSite: 'strict' })).toBe(true);
  });
});

describe('whether a request came over TLS', () => {
  it('by the socket, by what the framework says, or by the proxy in front', () => {
    const headers = { 'x-forwarded-proto': 'HTTPS , http' };
    expect(isSecure({ headers: {}, socket: { encrypted: true } }, false)).toBe(true);
    expect(isSecure({ headers, socket: {} }, undefined)).toBe(false);
    expect(isSecure({ headers, socket: {}, secure: true }, undefined)).toBe(true);
    expect(isSecure({ headers, socket: {}, secure: true }, false)).toBe(false);
    expect(isSecure({ headers, socket: {} }, true)).toBe(true);
    expect(isSecure({ headers: {}, socket: {} }, true)).toBe(false);
  });
});
