/** A file of the application by the hash of its content. */
export interface CodeFile {
  /** Where it lies in the bundle's folder, with `/`. */
  readonly path: string
  readonly hash: string
  readonly bytes: number
}

/** The application's code as one thing. */
export interface CodeManifest {
  readonly hash: string
  readonly files: readonly CodeFile[]
  /** Which file to import for a module of the application, by the module's URL at the spawner. */
  readonly modules: { readonly [url: string]: string }
  /** Packages that are not in the bundle and have to be installed at the node. */
  readonly externals: readonly string[]
  /** Packages that are not in the bundle, and that it can do without. */
  readonly optional?: readonly string[]
  /** Folders of the bundle that another name leads to, as pnpm lays out packages. */
  readonly links?: readonly (readonly [path: string, target: string])[]
}
