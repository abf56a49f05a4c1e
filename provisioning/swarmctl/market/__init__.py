"""A rental market to practise on: it speaks Vast.ai's protocol, rents nothing or containers, and costs no money."""
