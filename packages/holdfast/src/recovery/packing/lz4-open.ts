/**
 * Opens LZ4 blocks (LZ4 block format, 2022-07-31). Their bytes are a stranger's and there are gigabytes of them:
 * so it is WebAssembly, of lz4-open.wat, which reaches no memory but its own and takes 40 % of what JavaScript
 * does (docs/decisions/0020).
 */

/** What lz4-open.wat makes, by `wat2wasm`; held against it by the test. */
export const LZ4_OPEN = [
  'AGFzbQEAAAABCgFgBX9/f39/AX8CEgEGbWVtb3J5Bm1lbW9yeQIAAQMCAQAHCAEEb3BlbgAACoUEAYIEAQl/IAIh',
  'BSABQdAAayEMIANB0ABrIQ0CQANAIAAgAU8NASAALQAAIQYgAEEBaiEAIAZBBHYhByAHQQ9GBEADQCAAIAFPDQMg',
  'AC0AACEIIABBAWohACAHIAhqIQcgCEH/AUYNAAsLIAcgASAAa0sNASAHIAMgBWtLDQEgBSAHaiELIAdBwABNIAAg',
  'DEwgBSANTHFxBEAgACEKA0AgBSAK/QAAAP0LAAAgCkEQaiEKIAVBEGohBSAFIAtJDQALBSAFIAAgB/wKAAALIAsh',
  'BSAAIAdqIQAgACABRgRAIAUgAmsPCyABIABrQQJJDQEgAC8AACEJIABBAmohACAGQQ9xIQcgB0EPRgRAA0AgACAB',
  'Tw0DIAAtAAAhCCAAQQFqIQAgByAIaiEHIAhB/wFGDQALCyAHQQRqIQcgCUUNASAJIAUgBGtLDQEgByADIAVrSw0B',
  'IAUgB2ohCyAFIAlrIQogCUEQTyAHQcAATSAFIA1McXEEQANAIAUgCv0AAAD9CwAAIApBEGohCiAFQRBqIQUgBSAL',
  'SQ0ACwUgB0EgSQRAA0AgBSAKLQAAOgAAIApBAWohCiAFQQFqIQUgBSALSQ0ACwUDQCAFIAprIQcgByALIAVrSwRA',
  'IAsgBWshBwsgBSAKIAf8CgAAIAUgB2ohBSAFIAtJDQALCwsgCyEFDAALC0F/Cw==',
].join('');

/** What we use of it: Node has it, its types do not. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => Memory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly memory: { readonly memory: Memory } },
  ) => { readonly exports: { readonly open: Open } };
};
interface Memory {
  readonly buffer: ArrayBuffer;
}
type Open = (at: number, end: number, start: number, limit: number, floor: number) => number;

const PAGE_BYTES = 65_536;
let compiled: object | null = null;

/** Memory of its own, where a block is laid and opened. Each takes much address space, so they are used again. */
export class BlockOpener {
  readonly memory: Buffer<ArrayBuffer>;
  readonly #open: Open;

  constructor(bytes: number) {
    compiled ??= new WebAssembly.Module(Buffer.from(LZ4_OPEN, 'base64'));
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    this.memory = Buffer.from(memory.buffer);
    this.#open = new WebAssembly.Instance(compiled, { memory: { memory } }).exports.open;
  }

  /**
   * The block that lies from `at` to `end`, into what lies from `start` to `limit`; returns how many bytes it
   * has become, -1: it is no block, or one that opens to more. `floor`: how far back it may reach, for blocks
   * that are linked to those before them.
   */
  open(at: number, end: number, start: number, limit: number, floor: number): number {
    return this.#open(at, end, start, limit, floor);
  }
}
