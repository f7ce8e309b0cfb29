"""Gates: rules, their judgement, slice guards and waivers."""
