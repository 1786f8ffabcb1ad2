/** Where an S3 vault lies, and with whose keys it is spoken to. */

export interface S3Place {
  /** `https://…`; nothing elsewhere is ever asked, whatever it answers. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** In front of every key; empty, or parts that end with a slash. */
  readonly prefix: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`: most servers that are not AWS. */
  readonly isPathStyle: boolean;
}

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Three identities, so that what stores cannot read, and what reads cannot store. */
export interface S3Identities {
  /** PutObject, PutObjectRetention and AbortMultipartUpload; nothing else. */
  readonly writer: S3Keys;
  /** Reads heads and configuration; sees what lies there, and is the witness of every proof. */
  readonly prober: S3Keys;
  /** GetObject and ListBucketVersions; null: kept elsewhere, and the prober reads. */
  readonly restorer: S3Keys | null;
}
