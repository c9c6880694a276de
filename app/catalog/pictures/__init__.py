"""Pictures of items, covers of books among them: uploads re-encoded to WebP in three sizes."""
