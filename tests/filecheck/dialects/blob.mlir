// RUN: pqc opt %s | filecheck %s

// CHECK: func.func private @f
func.func private @f()
