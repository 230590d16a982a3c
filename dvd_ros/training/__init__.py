"""Training: LoRA of DVD, the small model on rendered scenes, light codecs; one loop for all.

Needs the ``train`` extra (torch, accelerate, peft, numba); nothing that streams depth imports this
package. loop.py trains a module; a config (recipe.py, finetune_config.py) says what is made of it.
"""
