"""From what people bring (files, folders, Hub ids) to rows, and from rows to items or reasons why not."""
