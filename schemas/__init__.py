"""What crosses a topic: models, the codec, the reasons for a rejection, exported JSON Schema. Pure: no clock, no I/O."""
