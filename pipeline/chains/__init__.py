"""Which settings of a hand-made chain make its LR like the user's photographs."""
