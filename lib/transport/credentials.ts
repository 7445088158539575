/** What the two ends of a link prove to each other. Plain data: it is posted to threads. */
export type Credentials =
  | { readonly kind: 'secret'; readonly secret: Uint8Array }
  /** Texts in PEM. */
  | {
      readonly kind: 'certificates'
      readonly key: string
      readonly cert: string
      readonly ca: string
    }
