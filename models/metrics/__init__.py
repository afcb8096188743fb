"""How good images are: PSNR, SSIM and LPIPS against HR, NIQE without; all on (H, W, 3) uint8
RGB.
"""
