package onnxlm
