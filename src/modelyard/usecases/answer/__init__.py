"""Commands in comments on pull requests: read strictly, allowed to those who may push, answered once."""
