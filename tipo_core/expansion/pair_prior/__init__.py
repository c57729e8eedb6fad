"""Words that go together: evidence of a request, proposals, and the bias of a model."""
