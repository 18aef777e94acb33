import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { parseServerUrl } from '../../../shared/forwarding/server-address.js';

describe('parseServerUrl', () => {
  const good: [string, string, number, string, string][] = [
    ['https://jenkins.example', 'jenkins.example', 443, 'jenkins.example', ''],
    ['https://jenkins.example/', 'jenkins.example', 443, 'jenkins.example', ''],
    ['HTTP://front50:8080', 'front50', 8080, 'front50:8080', ''],
    ['http://h:80/ci/', 'h', 80, 'h', '/ci'],
    ['https://h:443/a//b%2Fc', 'h', 443, 'h', '/a//b%2Fc'],
    ['https://[::1]:6443', '::1', 6443, '[::1]:6443', ''],
    [
      'https://[2001:db8::1]/k8s/clusters/c-1',
      '2001:db8::1',
      443,
      '[2001:db8::1]',
      '/k8s/clusters/c-1',
    ],
    ['https://10.0.0.1:6443', '10.0.0.1', 6443, '10.0.0.1:6443', ''],
    ['https://bücher.example', 'xn--bcher-kva.example', 443, 'xn--bcher-kva.example', ''],
    [' https://h ', 'h', 443, 'h', ''],
  ];
  for (const [url, host, port, authority, basePath] of good) {
    it(`reads ${url}`, () => {
      const isTls = url.trim().toLowerCase().startsWith('https');
      assert.deepEqual(parseServerUrl(url, 'x'), { isTls, host, port, authority, basePath });
    });
  }

  const bad: [string, RegExp][] = [
    ['jenkins.example', /^config\.url is not a URL/],
    ['', /is not a URL/],
    ['ftp://h', /begins with ftp/],
    ['https://me:hunter2@h/', /holds a user name or password/],
    ['https://h/?token=hunter2', /holds a query/],
    ['https://h/#hunter2', /fragment/],
    ['https://', /no valid host/],
    ['https://a b/', /no valid host/],
    ['http://[fe80::1%eth0]:8080', /no valid host/],
    ['http://1.2.3.256', /no valid host/],
    ['https://[::1', /no valid host/],
    ['https://[host]/', /no valid host/],
    ['https://h:0/', /port 0/],
    ['https://h:70000/', /port 70000/],
    ['https://h:8o/', /no valid host/],
    ['https://h/a b', /percent-encoded/],
    ['https://h/ä', /percent-encoded/],
  ];
  for (const [url, message] of bad) {
    it(`refuses "${url}" without repeating a secret`, () => {
      assert.throws(
        () => parseServerUrl(url, 'config.url'),
        (reason) => {
          assert.ok(reason instanceof TunnelError && reason.code === 'SERVICE_NOT_CONFIGURED');
          assert.match(reason.message, message);
          assert.ok(!reason.message.includes('hunter2'));
          return true;
        },
      );
    });
  }
});
