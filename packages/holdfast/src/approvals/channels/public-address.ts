/**
 * Addresses of the public internet, for what a browser tells us to call: never our own network, the
 * machine itself, or a cloud's metadata service. Names are looked up where the connection is made, so
 * that a name which answers differently the second time gains nothing.
 *
 * By the registries of special-purpose addresses of IANA (RFC 6890); of IPv6 only what is handed out
 * (2000::/3), without what carries an IPv4 address inside.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export class NotPublic extends Error {
  constructor() {
    super('not a public address');
    this.name = 'NotPublic';
  }
}

const NOT_PUBLIC_4 = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  NOT_PUBLIC_4.addSubnet(net, prefix, 'ipv4');
}

const HANDED_OUT_6 = new BlockList();
HANDED_OUT_6.addSubnet('2000::', 3, 'ipv6');

const NOT_PUBLIC_6 = new BlockList();
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const) {
  NOT_PUBLIC_6.addSubnet(net, prefix, 'ipv6');
}

/** `address`: an IP address as text; anything else is none. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !NOT_PUBLIC_4.check(address, 'ipv4');
    case 6:
      return HANDED_OUT_6.check(address, 'ipv6') && !NOT_PUBLIC_6.check(address, 'ipv6');
    default:
      return false;
  }
}

/** As `dns.lookup`, for a socket: fails with NotPublic when any of the addresses is not. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error !== null) return callback(error, '', 0);
    const addresses: LookupAddress[] = found;
    const [first] = addresses;
    const isFit = addresses.every(({ address }) => isPublicAddress(address));
    if (first === undefined || !isFit) return callback(new NotPublic(), '', 0);
    if (options.all === true) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};
