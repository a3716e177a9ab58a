"""Knowledge: documents are taken in, read in a process of their own, cut into passages and made searchable (ADR 15)."""
