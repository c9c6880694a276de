"""What a text finds: conditions on search documents, the same for searches, lists, facets and exports."""
